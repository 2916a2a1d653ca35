package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// How long a session lasts: unused, and at all.
const (
	IdleTime    = 2 * time.Hour
	SessionTime = 12 * time.Hour
)

// How somebody signed in.
const (
	byPassword = "password"
	byLink     = "link"
	byProvider = "oidc"
	byCode     = "code"
)

// Session is one place where somebody is signed in.
type Session struct {
	ID      string // not the secret
	Method  string
	Created time.Time
	Seen    time.Time // by up to half a minute too early
	Expires time.Time
	Address string
	Agent   string
}

// open opens a session: always a new one, so that whoever planted an old one in a
// browser has nothing. The session of the secret old, which that browser showed, is
// ended. It returns the secret.
func (s *Service) open(ctx context.Context, tx *accessdb.Tx, kind access.Kind, account, method, old string, from Client) (string, error) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	now := s.now()
	if old != "" {
		if _, err := tx.Exec(ctx, `delete from sessions where secret = ?`, digest(old)); err != nil {
			return "", err
		}
	}
	_, err := tx.Exec(ctx, `insert into sessions (id, secret, kind, account, method, purpose, created, seen, expires, address, agent)
		values (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?)`,
		newID(), digest(secret), string(kind), account, method, accessdb.Micros(now), accessdb.Micros(now),
		accessdb.Micros(now.Add(SessionTime)), from.Address, agentOf(from.Agent))
	if err != nil {
		return "", fmt.Errorf("open a session: %w", err)
	}
	table := "accounts"
	if kind == access.Citizen {
		table = "citizens"
	}
	_, err = tx.Exec(ctx, `update `+table+` set last_seen = ? where id = ?`, accessdb.Micros(now), account)
	return secret, err
}

// agentOf cuts what a browser calls itself to what helps its owner to know it.
func agentOf(agent string) string {
	out := []rune(nil)
	for _, r := range agent {
		if !isControl(r) && len(out) < 200 {
			out = append(out, r)
		}
	}
	return string(out)
}

// Sessions lists the sessions of an account or citizen, latest first.
func (s *Service) Sessions(ctx context.Context, account string) ([]Session, error) {
	if account == "" {
		return nil, nil
	}
	now := s.now()
	rows, err := s.db.Query(ctx, `select id, method, created, seen, expires, address, agent from sessions
		where account = ? and expires > ? and seen > ? order by seen desc, id`,
		account, accessdb.Micros(now), accessdb.Micros(now.Add(-IdleTime)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Session
	for rows.Next() {
		var e Session
		var created, seen, expires int64
		if err := rows.Scan(&e.ID, &e.Method, &created, &seen, &expires, &e.Address, &e.Agent); err != nil {
			return nil, err
		}
		if at, ok := s.touched.Load(e.ID); ok {
			seen = max(seen, at.(int64))
		}
		e.Created, e.Seen, e.Expires = accessdb.Time(created), accessdb.Time(seen), accessdb.Time(expires)
		out = append(out, e)
	}
	return out, rows.Err()
}

// EndSession ends one session of the account: another's is not found.
func (s *Service) EndSession(ctx context.Context, account, id string) error {
	return s.change(ctx, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `delete from sessions where id = ? and account = ?`, id, account)
		if err == nil && n == 0 {
			return fmt.Errorf("session: %w", catalog.ErrNotFound)
		}
		return err
	})
}

// SignOut ends the session of a secret, if there is one.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	return s.change(ctx, func(tx *accessdb.Tx) error {
		_, err := tx.Exec(ctx, `delete from sessions where secret = ?`, digest(secret))
		return err
	})
}

// SetPurpose notes in a session of the account why personal data is read in it; ""
// ends that. Whether the policy knows the purpose is for the caller to see.
func (s *Service) SetPurpose(ctx context.Context, account, session, purpose string) error {
	return s.change(ctx, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `update sessions set purpose = ? where id = ? and account = ?`, purpose, session, account)
		if err == nil && n == 0 {
			return fmt.Errorf("session: %w", catalog.ErrNotFound)
		}
		return err
	})
}

// flush writes when sessions and tokens were last used.
func (s *Service) flush(ctx context.Context) error {
	type use struct {
		id string
		at int64
	}
	var uses []use
	s.touched.Range(func(k, v any) bool {
		uses = append(uses, use{k.(string), v.(int64)})
		return true
	})
	if len(uses) == 0 {
		return nil
	}
	err := s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		for _, u := range uses {
			n, err := tx.Exec(ctx, `update sessions set seen = ? where id = ? and seen < ?`, u.at, u.id, u.at)
			if err == nil && n == 0 {
				_, err = tx.Exec(ctx, `update tokens set last_used = ? where id = ? and last_used < ?`, u.at, u.id, u.at)
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `update accounts set last_seen = (select max(seen) from sessions where sessions.account = accounts.id)
			where exists (select 1 from sessions where sessions.account = accounts.id and sessions.seen > accounts.last_seen)`)
		return err
	})
	if err != nil {
		return fmt.Errorf("write when sessions were used: %w", err)
	}
	for _, u := range uses {
		s.touched.CompareAndDelete(u.id, u.at)
	}
	return nil
}

// sweep removes what has expired. Where that is a session it says so, like a
// change by anybody: who still listens by one is to be looked at anew.
func (s *Service) sweep(ctx context.Context) error {
	now := s.now()
	at := accessdb.Micros(now)
	return s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		gone := int64(0)
		for _, q := range []struct {
			statement string
			before    int64
		}{
			{`delete from sessions where expires < ?`, at},
			{`delete from sessions where seen < ?`, accessdb.Micros(now.Add(-IdleTime - 2*flushEvery))},
			{`delete from links where expires < ?`, at},
			{`delete from codes where expires < ?`, at},
			{`delete from attempts where last < ?`, accessdb.Micros(now.Add(-24 * time.Hour))},
			{`delete from places where last < ?`, accessdb.Micros(now.Add(-90 * 24 * time.Hour))},
		} {
			n, err := tx.Exec(ctx, q.statement, q.before)
			if err != nil {
				return fmt.Errorf("remove what has expired: %w", err)
			}
			if strings.Contains(q.statement, "from sessions") {
				gone += n
			}
		}
		if gone == 0 {
			return nil
		}
		return tx.Changed(ctx)
	})
}
