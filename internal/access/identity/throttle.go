package identity

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nagar/internal/access/accessdb"
)

// limit says how often something may fail: free times at once, then after delays
// that double from a second on up to most. What lies further back than forget counts
// no more.
type limit struct {
	kind   string
	free   int64
	most   time.Duration
	forget time.Duration
}

// An account is guarded on three ways. What one address tries on it waits long;
// nobody is locked out by what others try from elsewhere, as the delay for all
// addresses together stays short, and an address from which the account was signed
// in to before does not wait for it at all.
var (
	perPair    = limit{"pair", 5, 15 * time.Minute, 24 * time.Hour}
	perAccount = limit{"account", 30, 30 * time.Second, time.Hour}
	perAddress = limit{"address", 40, 5 * time.Minute, time.Hour}
	perContact = limit{"contact", 3, time.Hour, 24 * time.Hour}       // codes sent to it
	perSending = limit{"sending", 20, time.Hour, 24 * time.Hour}      // codes sent for an address
	perGuess   = limit{"guess", 20, 5 * time.Minute, time.Hour}       // codes and links tried from an address
	perFactor  = limit{"factor", 5, 15 * time.Minute, 24 * time.Hour} // second factors tried for an account
)

// attempt is one subject under a limit. The subject is kept as a hash: people type
// passwords where their name belongs.
type attempt struct {
	limit
	subject string
}

func (a attempt) key() []byte {
	sum := sha256.Sum256([]byte(a.kind + "\x00" + a.subject))
	return sum[:]
}

// delay is how long the next attempt waits after so many.
func (l limit) delay(failures int64) time.Duration {
	over := failures - l.free
	if over < 0 {
		return 0
	}
	if over > 20 {
		return l.most
	}
	return min(time.Second<<over, l.most)
}

// attempt counts one attempt before it is made, so that many at once are counted
// too, and refuses it with *Throttled while one of the subjects has to wait. A
// refused one does not make the wait longer.
func (s *Service) attempt(ctx context.Context, all ...attempt) error {
	now := s.now()
	slices.SortFunc(all, func(a, b attempt) int { return strings.Compare(a.kind, b.kind) }) // one order of locks
	return s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		failures := make([]int64, len(all))
		for i, a := range all {
			if err := tx.Lock(ctx, string(a.key())); err != nil {
				return err
			}
			var last, until int64
			err := tx.QueryRow(ctx, `select failures, last, until from attempts where subject = ?`, a.key()).Scan(&failures[i], &last, &until)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if wait := accessdb.Time(until).Sub(now); until != 0 && wait > 0 {
				return &Throttled{After: wait}
			}
			if now.Sub(accessdb.Time(last)) > a.forget {
				failures[i] = 0
			}
		}
		for i, a := range all {
			n := failures[i] + 1
			_, err := tx.Exec(ctx, `insert into attempts (subject, failures, last, until) values (?, ?, ?, ?)
				on conflict (subject) do update set failures = excluded.failures, last = excluded.last, until = excluded.until`,
				a.key(), n, accessdb.Micros(now), accessdb.Micros(now.Add(a.delay(n))))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// forgive forgets the attempts of these subjects: one has succeeded. Of an address,
// from which others may be trying too, it takes back just this one.
func (s *Service) forgive(ctx context.Context, tx *accessdb.Tx, all ...attempt) error {
	for _, a := range all {
		query := `delete from attempts where subject = ?`
		if a.kind == perAddress.kind || a.kind == perGuess.kind {
			query = `update attempts set failures = failures - 1, until = 0 where subject = ?`
		}
		if _, err := tx.Exec(ctx, query, a.key()); err != nil {
			return err
		}
	}
	return nil
}

// place is the part of an address that one client has: all of IPv4, and of IPv6
// the 64 bits of its network, in which anybody has as many addresses as they like.
func place(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
