// Package door stands at the door: it says who makes a request (a session's cookie,
// an API token, the administrator's token), and what the policy in force lets them
// see and do. Both come from memory; a change of the policy, of an account, or of a
// session counts from the next request on, in other processes within 100 ms. Where
// the access database has been out of reach for some seconds nobody is known any
// more, since nobody could say what was revoked.
package door

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/identity"
)

// The cookies of a session. A browser takes the first only over HTTPS, from this
// host, for all of it; so no neighbour under the same domain can plant one. The
// second is for plain HTTP on one's own machine.
const (
	SecureCookie = "__Host-nagar"
	PlainCookie  = "nagar"
)

// PurposeHeader says in a request with a token why personal data is read.
const PurposeHeader = "Nagar-Purpose"

// Cookie is the name of the session's cookie on a connection that is encrypted, on
// the client's side, or not.
func Cookie(encrypted bool) string {
	if encrypted {
		return SecureCookie
	}
	return PlainCookie
}

// Door is the door. Its methods may be called from any goroutine.
type Door struct {
	db         *accessdb.DB
	identities *identity.Service
	areas      access.Areas
	now        func() time.Time

	root   [sha256.Size]byte // of the administrator's token
	closed bool              // there is none

	current atomic.Pointer[state]
	loading sync.Mutex
}

// New makes the door over a database that was opened with Schema. token is the
// administrator's; areas may be nil.
func New(db *accessdb.DB, identities *identity.Service, areas access.Areas, token string) *Door {
	return &Door{db: db, identities: identities, areas: areas, now: time.Now, root: sha256.Sum256([]byte(token)), closed: token == ""}
}

// state is the policy in force, and what it lets those see who asked of late.
type state struct {
	generation uint64
	born       time.Time
	policy     *access.Policy

	mu    sync.RWMutex
	known map[asker]*allowed
}

// stateTime is how long compiled views are kept: the bounds of wards, which are no
// part of the access database, may move.
const stateTime = time.Minute

func (s *state) holds(generation uint64) bool {
	return s != nil && s.generation == generation && time.Since(s.born) < stateTime
}

// asker tells callers apart.
type asker struct{ session, purpose string }

// allowed is what somebody may do. A request that began before a change may ask with
// what its caller was then, so who it was worked out for is kept with it.
type allowed struct {
	who    access.Principal
	view   catalog.View
	rights []access.Right
	asks   bool
}

func (a *allowed) isFor(who *access.Principal) bool {
	return a.who.Kind == who.Kind && a.who.ID == who.ID && a.who.Department == who.Department && a.who.Contact == who.Contact &&
		slices.Equal(a.who.Roles, who.Roles) && slices.Equal(a.who.Wards, who.Wards) && slices.Equal(a.who.Collections, who.Collections)
}

const maxAskers = 100_000

// state reads the policy when something has changed since it was read.
func (d *Door) state(ctx context.Context) (*state, error) {
	if s := d.current.Load(); s.holds(d.db.Generation()) {
		return s, nil
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	generation := d.db.Generation()
	if s := d.current.Load(); s.holds(generation) {
		return s, nil
	}
	v, err := latest(ctx, d.db)
	if err != nil {
		return nil, err
	}
	s := &state{generation: generation, born: time.Now(), policy: v.Policy, known: map[asker]*allowed{}}
	d.current.Store(s)
	return s, nil
}

// Generation is another number once what somebody may see can have changed.
func (d *Door) Generation() uint64 { return d.db.Generation() }

// Identify says who makes a request that came over an encrypted connection, on the
// client's side, or not: nobody in particular when it shows nothing. A token that
// does not hold is *access.Refused. A cookie that does not is nobody: sessions end,
// and the page is still the public's to read. It fails, with catalog.ErrUnavailable,
// where that cannot be said just now.
func (d *Door) Identify(req *http.Request, encrypted bool) (access.Principal, error) {
	ctx := req.Context()
	s, err := d.state(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	if auth := req.Header["Authorization"]; len(auth) > 0 {
		return d.bearer(req, s, auth)
	}
	for _, c := range req.CookiesNamed(Cookie(encrypted)) {
		who, err := d.identities.Session(ctx, c.Value)
		if err == nil && !s.policy.Knows(who.Purpose) {
			who.Purpose = "" // the policy has dropped it
		}
		if !errors.Is(err, identity.ErrExpired) {
			return who, err
		}
	}
	return access.Principal{Kind: access.Anonymous}, nil
}

func (d *Door) bearer(req *http.Request, s *state, auth []string) (access.Principal, error) {
	scheme, token, _ := strings.Cut(auth[0], " ")
	token = strings.TrimSpace(token)
	if len(auth) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return access.Principal{}, &access.Refused{Header: "Authorization", Reason: "Want one header Authorization: Bearer TOKEN."}
	}
	who, err := d.Token(req.Context(), token)
	if err != nil {
		return access.Principal{}, err
	}
	if said := req.Header.Get(PurposeHeader); said != "" {
		if !s.policy.Knows(said) {
			return access.Principal{}, &catalog.Invalid{Path: PurposeHeader, Reason: "the policy has no such purpose"}
		}
		who.Purpose = said
	}
	if !s.policy.Knows(who.Purpose) {
		who.Purpose = ""
	}
	return who, nil
}

// Token says whose token it is; one that does not hold is *access.Refused.
func (d *Door) Token(ctx context.Context, token string) (access.Principal, error) {
	if sum := sha256.Sum256([]byte(token)); subtle.ConstantTimeCompare(sum[:], d.root[:]) == 1 && !d.closed {
		return access.Principal{Kind: access.Root, ID: "administrator", Name: "administrator"}, nil
	}
	who, err := d.identities.Token(ctx, token)
	if errors.Is(err, identity.ErrExpired) {
		return access.Principal{}, &access.Refused{Header: "Authorization", Reason: "This token is not valid here."}
	}
	return who, err
}

// of is what the policy in force allows the principal.
func (d *Door) of(who *access.Principal) (*allowed, error) {
	s, err := d.state(context.Background())
	if err != nil {
		return nil, err
	}
	key := asker{who.Session, who.Purpose}
	s.mu.RLock()
	a := s.known[key]
	s.mu.RUnlock()
	if a != nil && a.isFor(who) {
		return a, nil
	}
	a = &allowed{
		who: *who, view: access.Compile(s.policy, *who, d.areas), rights: access.Rights(s.policy, *who), asks: access.AsksPurpose(s.policy, *who),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxAskers {
		clear(s.known)
	}
	s.known[key] = a
	return a, nil
}

// View is what the principal may see and write just now; nothing where that cannot
// be said.
func (d *Door) View(who access.Principal) catalog.View {
	a, err := d.of(&who)
	if err != nil {
		return catalog.View{}
	}
	return a.view
}

// Rights are what else the principal may do just now.
func (d *Door) Rights(who access.Principal) []access.Right {
	a, err := d.of(&who)
	if err != nil {
		return nil
	}
	return slices.Clone(a.rights)
}

// AsksPurpose reports whether the principal would see personal data of others once
// they said why.
func (d *Door) AsksPurpose(who access.Principal) bool {
	a, err := d.of(&who)
	return err == nil && a.asks
}

// KnowsRoles is *catalog.Invalid when the policy lacks one of the roles.
func (d *Door) KnowsRoles(ctx context.Context, roles []string) error {
	s, err := d.state(ctx)
	if err != nil {
		return err
	}
	for i, name := range roles {
		if _, ok := s.policy.Roles[name]; !ok {
			return &catalog.Invalid{Path: fmt.Sprintf("roles[%d]", i), Reason: "the policy has no role of this name"}
		}
	}
	return nil
}

// Outranks reports whether the principal has every right that somebody with the
// roles has.
func (d *Door) Outranks(ctx context.Context, who access.Principal, roles []string) (bool, error) {
	s, err := d.state(ctx)
	if err != nil {
		return false, err
	}
	own := access.Rights(s.policy, who)
	for _, right := range access.Rights(s.policy, access.Principal{Kind: access.Account, Roles: roles}) {
		if !slices.Contains(own, right) {
			return false, nil
		}
	}
	return true, nil
}
