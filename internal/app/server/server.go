// Package server is the command lines of cmd/tileserver and cmd/twin: it reads
// flags, opens the store, and runs the engine, the search and the HTTP surface.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/access/retain"
	"nagar/internal/app"
	"nagar/internal/httpapi"
	"nagar/internal/registry"
	"nagar/internal/registry/address"
	"nagar/internal/registry/finding"
	"nagar/internal/registry/linkage"
	"nagar/layers"
	"nagar/web/viewer"
)

// ServerFlags are the flags that tileserver and twin share.
type ServerFlags struct {
	Store          string   `help:"The store: a GeoPackage file, or postgres://user@host/db." default:"./city.gpkg" placeholder:"URL"`
	Addr           string   `help:"Address to listen on; port 0 takes a free one." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	PublicURL      string   `help:"The address that users know this server by, for absolute links." placeholder:"URL"`
	TLSCert        string   `help:"Certificate file (PEM); with --tls-key serves HTTPS." placeholder:"FILE"`
	TLSKey         string   `help:"Key file (PEM) of --tls-cert." placeholder:"FILE"`
	TLSSelfSigned  bool     `help:"Serve HTTPS with a certificate made here, kept in the store's folder; for a local network."`
	TrustedProxies Networks `help:"Addresses of the reverse proxies that may say who the client is (Forwarded, X-Forwarded-*), with commas between." placeholder:"CIDR,..."`
	Quota          Quota    `help:"What one client may ask for: rate=2000,burst=20000 (points), live=1000,connections=4000; or off. Clients on this machine are bounded only when this is given." placeholder:"NAME=N,..."`
	LogFormat      string   `help:"Form of the log on stderr." enum:"text,json" default:"text"`
	AdminToken     string   `help:"Administrator's token; without it one is made and kept in the store's folder." placeholder:"TOKEN"`
	TryRoles       bool     `help:"Where the store is the demo city: make an account of each kind, and a one-time sign-in link for it."`
	OIDC           string   `name:"oidc" help:"OpenID providers that staff may sign in by: a JSON file, see docs/access.md." placeholder:"FILE"`
	CodeSender     string   `help:"How citizens' one-time codes are sent: file:PATH writes them to a file, for development; an https URL takes them as JSON by POST. Without it citizens cannot sign in." placeholder:"WHERE"`
	City           string   `help:"City profile; Mumbai's own when left out." placeholder:"FILE"`
	PMTiles        string   `name:"pmtiles" help:"Folder of PMTiles archives to serve beside the collections, to everybody: base maps, aerial pictures, what export wrote." placeholder:"DIR"`
	Snapshot       string   `help:"Keep the index in a file beside the store, from which the next start is quick: on or off." enum:"on,off" default:"on"`
	Findings       string   `help:"Keep the findings up to date in this process: on or off. Of several on one store one does so." enum:"on,off" default:"on"`
	CacheMB        int      `help:"Memory for finished tiles, in MB." default:"64" placeholder:"MB"`

	Version kong.VersionFlag `help:"Print the version and exit."`

	sensing SensingFlags // of twin
}

// Validate is called by kong once all flags are read.
func (f *ServerFlags) Validate() error {
	if (f.TLSCert == "") != (f.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if f.TLSSelfSigned && f.TLSCert != "" {
		return errors.New("--tls-self-signed makes a certificate; leave --tls-cert out")
	}
	if f.CacheMB < 0 {
		return errors.New("--cache-mb must not be negative")
	}
	return nil
}

// TileServer is the command tileserver: the read paths. It returns the exit code.
func TileServer(args []string, stdout, stderr io.Writer) int {
	var flags struct{ ServerFlags }
	ctx, code := app.Parse(&flags, "tileserver", "Serves the city's tiles, queries and viewer, read only.", nil, args, stdout, stderr)
	if ctx == nil {
		return code
	}
	return runServer("tileserver", &flags.ServerFlags, true, stdout, stderr)
}

// Twin is the command twin: everything in one process. It returns the exit code.
func Twin(args []string, stdout, stderr io.Writer) int {
	var flags struct {
		ServerFlags
		SensingFlags
	}
	ctx, code := app.Parse(&flags, "twin", "Serves the whole city from one process: viewer, tiles, queries, writes, live events, sensors.", nil, args, stdout, stderr)
	if ctx == nil {
		return code
	}
	flags.sensing = flags.SensingFlags
	return runServer("twin", &flags.ServerFlags, false, stdout, stderr)
}

func runServer(name string, f *ServerFlags, readOnly bool, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	collectOften()
	log, flush := app.NewLogger(stderr, f.LogFormat)
	err := Serve(ctx, f, readOnly, log, stdout)
	flush()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return app.ExitError
	}
	return app.ExitOK
}

// Serve opens the store, follows it and answers HTTP until ctx ends; requests in
// flight are finished then. The address that was taken is written to stdout as
// "listening on http://host:port".
func Serve(ctx context.Context, f *ServerFlags, readOnly bool, log *slog.Logger, stdout io.Writer) (err error) {
	profile, err := city.Load(f.City)
	if err != nil {
		return err
	}
	location, err := app.ParseLocation(f.Store)
	if err != nil {
		return err
	}
	store, err := app.OpenStore(ctx, location)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	token, err := AdminToken(location, f.AdminToken, stdout)
	if err != nil {
		return err
	}
	entrance, err := openEntrance(ctx, f, location, store, token, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entrance.db.Close()) }()

	options := layers.Options{CacheBytes: cacheBytes(f.CacheMB)}
	if err := keepSnapshots(f, location, log, &options); err != nil {
		return err
	}
	engine := layers.New(store, options)
	finder := newSearch(store, engine, profile)
	archives := newArchives(f.PMTiles, engine)
	defer func() { err = errors.Join(err, archives.Close()) }()
	settings := config(f, store, engine, searcher{finder}, profile, log, entrance, readOnly)
	settings.Archives = archives
	settings.Structures = registry.New(store, engine)
	if settings.Structures.Zone, err = time.LoadLocation(profile.TimeZone); err != nil {
		return err
	}
	parser, err := address.New(profile)
	if err != nil {
		return err
	}
	settings.Reviews = linkage.NewQueue(store, settings.Structures, engine, parser)
	settings.Findings = &finding.Board{Store: store, Zone: settings.Structures.Zone}
	sensing, err := openSensing(ctx, f, location, store, entrance, settings.Structures.Zone, readOnly, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sensing.close()) }()
	settings.Twin = sensing.twin
	server, err := httpapi.New(settings)
	if err != nil {
		return err
	}
	secure, err := tlsConfig(f, location, log, stdout)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.Addr)
	if err != nil {
		return err
	}
	scheme := "http"
	if secure != nil {
		scheme = "https"
	}
	fmt.Fprintf(stdout, "listening on %s://%s\n", scheme, listener.Addr())
	if f.TryRoles {
		base := strings.TrimRight(f.PublicURL, "/")
		if base == "" {
			base = addressOf(scheme, listener)
		}
		if err := tryRoles(ctx, entrance, store, profile, base, stdout); err != nil {
			return errors.Join(fmt.Errorf("--try-roles: %w", err), listener.Close())
		}
	}

	group, work := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(work, "index", engine.Run(work)) })
	group.Go(func() error {
		select {
		case <-engine.Loaded(): // the map comes first: both read the whole store
			return ended(work, "search", finder.Run(work))
		case <-work.Done():
			return nil
		}
	})
	group.Go(func() error { return ended(work, "access", entrance.db.Run(work)) })
	group.Go(func() error { return entrance.identities.Run(work) })
	group.Go(func() error { return sensing.run(work, secure, stdout) })
	if !readOnly {
		retention := retain.New(store, entrance.db, entrance.audit, entrance.door.Policy)
		group.Go(func() error { return retention.Run(work, log) })
	}
	if !readOnly && f.Findings == "on" {
		group.Go(func() error {
			return keepFindings(work, engine, finding.New(store, entrance.db.Lease("findings", findingsLease), settings.Structures.Zone), log)
		})
	}
	group.Go(func() error { return logReady(work, engine, log) })
	group.Go(func() error { return warm(work, engine, settings.Structures, log) })
	group.Go(func() error { return giveBack(work, engine.Ready, finder.Ready) })
	if f.PMTiles != "" {
		group.Go(func() error { return ended(work, "archives", followArchives(work, archives, engine, log)) })
	}
	group.Go(func() error { return server.Serve(work, listener, secure) })
	return group.Wait()
}

func cacheBytes(mb int) int64 {
	if mb == 0 {
		return -1
	}
	return int64(mb) << 20
}

func config(f *ServerFlags, store catalog.Store, engine *layers.Engine, finder httpapi.Searcher, profile *city.Profile, log *slog.Logger, entrance *entrance, readOnly bool) httpapi.Config {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return httpapi.Config{
		Engine: engine, Store: store, Profile: profile, Logger: log,
		Viewer: viewer.FS(), Search: finder, Gate: entrance.door, Identities: entrance.identities, Policies: entrance.door, Providers: entrance.providers, Audit: entrance.audit,
		PublicURL: f.PublicURL, TrustedProxies: f.TrustedProxies, HSTS: !f.TLSSelfSigned, Quota: f.Quota.value(), Version: app.Version(), Metrics: metrics, ReadOnly: readOnly,
	}
}

// ended turns the end of a follower into the server's: nothing when it was told
// to end, an error otherwise, since a server that no longer follows must not stay.
func ended(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = errors.New("ended by itself")
	}
	return fmt.Errorf("%s: %w", what, err)
}

// warm has the store make the register's indexes before somebody waits for them.
func warm(ctx context.Context, engine *layers.Engine, structures *registry.Registry, log *slog.Logger) error {
	select {
	case <-engine.Loaded():
	case <-ctx.Done():
		return nil
	}
	if err := structures.Warm(ctx); err != nil && ctx.Err() == nil {
		log.Warn("the register's indexes could not be made ahead", "error", err)
	}
	return nil
}

// findingsLease is after how long a process that is silent no more keeps the findings.
const findingsLease = 30 * time.Second

// keepFindings keeps the findings once the map is there, which comes first.
func keepFindings(ctx context.Context, engine *layers.Engine, keeper *finding.Keeper, log *slog.Logger) error {
	select {
	case <-engine.Loaded():
		return keeper.Run(ctx, log)
	case <-ctx.Done():
		return nil
	}
}

func logReady(ctx context.Context, engine *layers.Engine, log *slog.Logger) error {
	start := time.Now()
	select {
	case <-engine.Loaded():
		stats := engine.Stats()
		log.Info("index loaded", "seconds", time.Since(start).Seconds(), "features", stats.Features,
			"collections", stats.Collections, "revision", stats.Rev, "bytes", stats.IndexBytes)
	case <-ctx.Done():
	}
	return nil
}
