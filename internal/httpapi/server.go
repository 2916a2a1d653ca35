package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"nagar/catalog"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
	"nagar/internal/access/identity"
	"nagar/internal/access/oidc"
	"nagar/internal/registry"
	"nagar/internal/registry/finding"
	"nagar/internal/registry/linkage"
	"nagar/internal/twin"
	"nagar/layers"
)

// Tiler renders tiles.
type Tiler interface {
	Tile(ctx context.Context, r layers.TileRequest) (*layers.Tile, error)
}

// Finder answers spatial queries.
type Finder interface {
	Near(ctx context.Context, r layers.NearRequest) (*layers.Answer, error)
	Within(ctx context.Context, r layers.WithinRequest) (*layers.Answer, error)
	AtPoint(ctx context.Context, r layers.AtRequest) (*layers.Answer, error)
	Count(ctx context.Context, r layers.CountRequest) (*layers.Counts, error)
	List(ctx context.Context, r layers.ListRequest) (*layers.Answer, error)
}

// Index says what is loaded.
type Index interface {
	Collections() []layers.Info
	Collection(name string) (layers.Info, bool)
	Extent(collection string, v catalog.View) (count int, box geo.Box)
	Feature(collection, idOrKey string) (id string, key catalog.Key, ok bool)
}

// Follower says how far the index has followed the store.
type Follower interface {
	Ready() bool
	Rev() catalog.Rev
	WaitRev(ctx context.Context, rev catalog.Rev) error
}

// Announcer tells which tiles changed.
type Announcer interface {
	Subscribe() *layers.Subscription
	MaxZoom() int
}

// subscription is a *layers.Subscription.
type subscription interface {
	Wait() <-chan struct{}
	Take() []layers.Dirty
	Close()
}

// Engine is what the read paths need; *layers.Engine has it all.
type Engine interface {
	Tiler
	Finder
	Index
	Follower
	Announcer
	Stats() layers.Stats
}

// Reader reads exact features, their past and the feed from the store.
type Reader interface {
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Feature(ctx context.Context, collection, id string, at catalog.At) (catalog.Feature, error)
	History(ctx context.Context, collection, id string) ([]catalog.Version, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
	Head(ctx context.Context) (catalog.Rev, error)
	RevAt(ctx context.Context, t time.Time) (catalog.Rev, error)
	Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error)
}

// Writer is the door for writes.
type Writer interface {
	Define(ctx context.Context, c catalog.Collection) (catalog.Rev, error)
	Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error)
}

// Store is what this package needs of a catalog.Store.
type Store interface {
	Reader
	Writer
}

// Config is what a Server is made of. Engine, Store, Profile and Logger are
// needed; the rest may be left out.
type Config struct {
	Engine  Engine
	Store   Store
	Profile *city.Profile
	Logger  *slog.Logger

	// Viewer is the built viewer: index.html, assets/ (hashed names), styles/,
	// fonts/, sprites/. Nil, or one without index.html, gives a page that says how
	// to build it.
	Viewer fs.FS
	// Archives are the tile archives that anybody may see; nil: there are none.
	Archives Archives
	// Search answers /api/search; without it that path is 503.
	Search Searcher
	// Structures is the register of structures; nil leaves its routes out.
	Structures *registry.Registry
	// Reviews is the queue of records whose structure is not certain; nil leaves its
	// routes out.
	Reviews *linkage.Queue
	// Findings answers about rules and findings; nil leaves its routes out.
	Findings *finding.Board
	// Twin is the live state of the city's sensors; nil leaves its routes out.
	Twin *twin.Twin
	// Gate says who asks and what they may; nil: the default policy, and AdminToken.
	Gate Gate
	// Identities lets people sign in and manages who they are, Policies keeps the
	// policy; both or, where Gate knows tokens alone, neither.
	Identities *identity.Service
	Policies   *door.Door
	// Providers are the OpenID providers that staff may sign in by.
	Providers []*oidc.Provider
	// AdminToken lets its bearer see and write everything, where there is no Gate;
	// empty: nobody may write.
	AdminToken string
	// Audit takes and tells who read and changed what; nil keeps no account, for
	// servers that show what is public only.
	Audit *audit.Log
	// PublicURL is the address of this server as its users know it, such as
	// https://city.example/map; empty: taken from each request.
	PublicURL string
	// TrustedProxies are the networks of the reverse proxies whose word on the client
	// (Forwarded, X-Forwarded-For, -Proto, -Host) is taken; nobody else's is.
	TrustedProxies []netip.Prefix
	// Quota bounds what one client may ask for.
	Quota Quota
	// HSTS tells browsers that came over HTTPS to come no other way for a year.
	HSTS bool
	// Version is shown in /openapi.json.
	Version string
	// Metrics takes this server's figures, and /metrics shows all that it has;
	// nil: a registry of its own.
	Metrics *prometheus.Registry
	// MaxLive is the most listeners of /api/live at one time; 0: 5000.
	MaxLive int
	// ReadOnly leaves out the routes that write.
	ReadOnly bool
}

// Server is the HTTP surface of one city.
type Server struct {
	cfg       Config
	log       *slog.Logger
	base      string // PublicURL without a slash at its end, or ""
	echo      *echo.Echo
	routes    []route
	byAddress map[string]*route // by method and router path
	paths     map[string]bool   // router paths
	fallback  *route            // for paths that are none
	zone      *time.Location
	files     *files
	metrics   *metrics
	limits    *limits
	bodies    bodies
	patience  patience
	openapi   []byte
	missed    missed
	gate      Gate

	crossOrigin *http.CrossOriginProtection

	audiences audiences
	subscribe func() subscription // cfg.Engine.Subscribe; tests have their own
	veil      time.Duration       // liveVeil; tests have their own

	draining atomic.Bool   // not ready any more, but answering
	closing  atomic.Bool   // each answer is the last of its connection
	quit     chan struct{} // closed when draining begins: listeners of /api/live end
	quitOnce sync.Once
}

// New builds the surface; it starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Engine == nil || cfg.Store == nil || cfg.Profile == nil || cfg.Logger == nil {
		return nil, errors.New("httpapi: Engine, Store, Profile and Logger are needed")
	}
	if cfg.MaxLive == 0 {
		cfg.MaxLive = 5000
	}
	base, err := publicBase(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(cfg.Profile.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("time zone of the city profile: %w", err)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, base: base, zone: zone, quit: make(chan struct{})}
	if (cfg.Identities == nil) != (cfg.Policies == nil) {
		return nil, errors.New("httpapi: Identities and Policies go together")
	}
	s.crossOrigin = http.NewCrossOriginProtection()
	if u, err := url.Parse(base); err == nil && base != "" {
		if err := s.crossOrigin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	s.subscribe, s.veil = func() subscription { return cfg.Engine.Subscribe() }, liveVeil
	if s.gate = cfg.Gate; s.gate == nil {
		s.gate = newTokenGate(cfg.AdminToken)
	}
	s.limits = newLimits(cfg.Quota)
	s.bodies.most, s.patience = bodyMemory, usualPatience
	s.missed.init()
	if s.files, err = openFiles(cfg.Viewer, base); err != nil {
		return nil, fmt.Errorf("viewer: %w", err)
	}
	s.routes = s.table()
	if s.metrics, err = newMetrics(cfg.Metrics, cfg.Engine, s.routes); err != nil {
		return nil, err
	}
	if s.openapi, err = describe(s.routes, cfg); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	s.echo = echo.New()
	s.echo.HTTPErrorHandler = func(error, echo.Context) {} // the middleware has answered
	s.echo.Use(s.around)
	s.byAddress, s.paths = make(map[string]*route, len(s.routes)), map[string]bool{}
	for i := range s.routes {
		s.register(&s.routes[i])
	}
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// publicBase checks a public URL and cuts the slash at its end.
func publicBase(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("public URL %q: want http(s)://host[:port][/path]", s)
	}
	return strings.TrimRight(s, "/"), nil
}

// baseURL is the absolute address that links begin with, without a slash at the end.
func (r *request) baseURL() string {
	if r.s.base != "" {
		return r.s.base
	}
	if r.https {
		return "https://" + r.host
	}
	return "http://" + r.host
}

// encrypted reports whether the caller's browser sees this server over HTTPS, so
// that a cookie may say Secure.
func (r *request) encrypted() bool {
	return r.https || strings.HasPrefix(r.s.base, "https://")
}

// hostOK reports whether a Host header is one that may be put into links.
func hostOK(h string) bool {
	if h == "" || len(h) > 260 {
		return false
	}
	for i := 0; i < len(h); i++ {
		c := h[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.', c == '-', c == ':', c == '[', c == ']', c == '_':
		default:
			return false
		}
	}
	return true
}
