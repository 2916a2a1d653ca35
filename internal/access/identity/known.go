package identity

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// known keeps who sessions and tokens belong to, for as long as the generation of
// the access database stays: whatever could change it moves that on.
type known struct {
	generation uint64
	mu         sync.RWMutex
	of         map[[sha256.Size]byte]*entry
}

// maxKnown is the most sessions kept; beyond it all are read anew.
const maxKnown = 100_000

// entry is who a secret belongs to.
type entry struct {
	who     access.Principal
	expires int64        // microseconds since 1970
	idle    int64        // microseconds unused after which it ends; 0: never
	seen    atomic.Int64 // when it was last used
	noted   atomic.Int64 // what of that Run has been told
}

// ErrExpired: the session or token is not valid, or not any more.
var ErrExpired = errors.New("this session or token is not valid any more")

// Session says who the session of a secret (a cookie's value) belongs to, and notes
// that it was used; ErrExpired when to nobody.
func (s *Service) Session(ctx context.Context, secret string) (access.Principal, error) {
	if strings.HasPrefix(secret, TokenPrefix) { // known or not: no token is a session
		return access.Principal{}, ErrExpired
	}
	return s.find(ctx, secret, s.readSession)
}

// find looks the secret up in memory, else reads it.
func (s *Service) find(ctx context.Context, secret string, read func(context.Context, []byte) (*entry, error)) (access.Principal, error) {
	if s.db.Stale() { // somebody may have ended it
		return access.Principal{}, fmt.Errorf("access database: %w: it has been out of reach", catalog.ErrUnavailable)
	}
	key := sha256.Sum256([]byte(secret))
	k := s.remembered()
	now := s.now().UnixMicro()
	k.mu.RLock()
	e := k.of[key]
	k.mu.RUnlock()
	if e == nil || !e.live(now) { // another process may have seen it used
		var err error
		if e, err = read(ctx, key[:]); err != nil {
			return access.Principal{}, err
		}
		if at, ok := s.touched.Load(e.who.Session); ok {
			e.seen.Store(max(e.seen.Load(), at.(int64)))
		}
		if !e.live(now) {
			return access.Principal{}, ErrExpired
		}
		k.mu.Lock()
		if len(k.of) >= maxKnown {
			clear(k.of)
		}
		k.of[key] = e
		k.mu.Unlock()
	}
	s.use(e, now)
	return e.who, nil
}

// remembered is what is known of the present generation.
func (s *Service) remembered() *known {
	generation := s.db.Generation()
	for {
		k := s.known.Load()
		if k != nil && k.generation == generation {
			return k
		}
		fresh := &known{generation: generation, of: map[[sha256.Size]byte]*entry{}}
		if s.known.CompareAndSwap(k, fresh) {
			return fresh
		}
		generation = s.db.Generation()
	}
}

func (e *entry) live(now int64) bool {
	return now < e.expires && (e.idle == 0 || now < e.seen.Load()+e.idle)
}

// use notes the use, for Run to write now and then.
func (s *Service) use(e *entry, now int64) {
	e.seen.Store(now)
	if noted := e.noted.Load(); now-noted > flushEvery.Microseconds()/2 && e.noted.CompareAndSwap(noted, now) {
		s.touched.Store(e.who.Session, now)
	}
}

func (s *Service) readSession(ctx context.Context, secret []byte) (*entry, error) {
	var kind, account string
	e := &entry{idle: IdleTime.Microseconds()}
	var seen int64
	err := s.db.QueryRow(ctx, `select id, kind, account, purpose, seen, expires from sessions where secret = ?`, secret).
		Scan(&e.who.Session, &kind, &account, &e.who.Purpose, &seen, &e.expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, fmt.Errorf("read a session: %w", err)
	}
	e.seen.Store(seen)
	e.who.Kind, e.who.ID = access.Kind(kind), account
	if e.who.Kind == access.Citizen {
		err = s.readCitizen(ctx, e)
	} else {
		err = s.readStaff(ctx, e)
	}
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, ErrExpired
	}
	return e, err
}

func (s *Service) readStaff(ctx context.Context, e *entry) error {
	a, err := s.Account(ctx, e.who.ID)
	if err != nil {
		return err
	}
	if a.Disabled {
		return fmt.Errorf("account: %w", catalog.ErrNotFound)
	}
	e.who.Name = a.Title
	if e.who.Name == "" {
		e.who.Name = a.Name
	}
	e.who.Roles, e.who.Department, e.who.Wards = withPublic(a.Roles), a.Department, a.Wards
	return nil
}

func (s *Service) readCitizen(ctx context.Context, e *entry) error {
	err := s.db.QueryRow(ctx, `select contact from citizens where id = ?`, e.who.ID).Scan(&e.who.Contact)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("citizen: %w", catalog.ErrNotFound)
	}
	e.who.Roles = []string{"citizen", "public"}
	return err
}

// withPublic adds the role that everybody has.
func withPublic(roles []string) []string {
	if slices.Contains(roles, "public") {
		return roles
	}
	out := append(slices.Clone(roles), "public")
	slices.Sort(out)
	return out
}

// Expires says when the session of the principal ends at the latest, and whether it
// was opened so lately by a link that a password may be set without the old one.
func (s *Service) Expires(ctx context.Context, who access.Principal) (expires time.Time, byLinkNow bool, err error) {
	var method string
	var created, until int64
	err = s.db.QueryRow(ctx, `select method, created, expires from sessions where id = ? and account = ?`, who.Session, who.ID).Scan(&method, &created, &until)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.db.QueryRow(ctx, `select '', created, expires from tokens where id = ?`, who.Session).Scan(&method, &created, &until)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	fresh := s.now().Sub(accessdb.Time(created)) < linkGrace
	return accessdb.Time(until), method == byLink && fresh, err
}
