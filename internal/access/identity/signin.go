package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// credentials are what an account is checked by.
type credentials struct {
	id       string // "" where there is no such account
	disabled bool
	password string
	totp     string
	totpOn   bool
}

type rowReader interface {
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// credentialsOf reads them by a column of the account; an unknown one gives none.
func credentialsOf(ctx context.Context, q rowReader, column, value string) (credentials, error) {
	var c credentials
	err := q.QueryRow(ctx, `select id, disabled, password, totp, totp_on from accounts where `+column+` = ?`, value).
		Scan(&c.id, &c.disabled, &c.password, &c.totp, &c.totpOn)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("read credentials: %w", err)
	}
	return c, err
}

// SignIn opens a session for who knows the account's password and, where it has a
// second factor, its present code; it returns the session's secret. old is the
// secret that the browser showed, "" for none: that session ends. An unknown name,
// a disabled account and a wrong password are all ErrRefused, after the same work.
func (s *Service) SignIn(ctx context.Context, name, password, code, old string, from Client) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	c, err := credentialsOf(ctx, s.db, "name", name)
	if err != nil {
		return "", err
	}
	at := place(from.Address)
	tries := []attempt{{perPair, name + "\x00" + at}, {perAddress, at}}
	known, err := s.knows(ctx, c.id, at)
	if err != nil {
		return "", err
	}
	if !known {
		tries = append(tries, attempt{perAccount, name})
	}
	if err := s.attempt(ctx, tries...); err != nil {
		return "", err
	}
	ok, err := s.fits(ctx, password, c.password)
	if err != nil {
		return "", err
	}
	if !ok || c.disabled {
		return "", ErrRefused
	}
	return s.enter(ctx, c.id, code, byPassword, old, from, tries, nil)
}

// enter checks the second factor of an account whose first one fits, and opens a
// session. also, when not nil, runs in the same transaction.
func (s *Service) enter(ctx context.Context, account, code, method, old string, from Client, tries []attempt, also func(*accessdb.Tx) error) (secret string, err error) {
	if code != "" {
		factor := attempt{perFactor, account}
		if err := s.attempt(ctx, factor); err != nil {
			return "", err
		}
		tries = append(tries, factor)
	}
	run := s.db.Tx
	if old != "" {
		run = s.change // others may remember the session that ends
	}
	err = run(ctx, func(tx *accessdb.Tx) error {
		if err := tx.Lock(ctx, account); err != nil {
			return err
		}
		c, err := credentialsOf(ctx, tx, "id", account) // as it is now
		if err != nil {
			return err
		}
		if c.id == "" || c.disabled {
			return ErrRefused
		}
		if c.totpOn {
			if err := s.useCode(ctx, tx, &c, code); err != nil {
				return err
			}
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if err := s.forgive(ctx, tx, tries...); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into places (account, place, last) values (?, ?, ?)
			on conflict (account, place) do update set last = excluded.last`, account, place(from.Address), accessdb.Micros(s.now())); err != nil {
			return err
		}
		secret, err = s.open(ctx, tx, access.Account, account, method, old, from)
		return err
	})
	return secret, err
}

// useCode uses up a code of the second factor; ErrSecondFactor when it is none, or
// was used before.
func (s *Service) useCode(ctx context.Context, tx *accessdb.Tx, c *credentials, code string) error {
	var last int64
	if err := tx.QueryRow(ctx, `select totp_last from accounts where id = ?`, c.id).Scan(&last); err != nil {
		return err
	}
	at := totpStep(c.totp, code, s.now(), last)
	if at == 0 {
		return ErrSecondFactor
	}
	_, err := tx.Exec(ctx, `update accounts set totp_last = ? where id = ?`, at, c.id)
	return err
}

// knows reports whether the account was signed in to from there before.
func (s *Service) knows(ctx context.Context, account, place string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `select count(*) from places where account = ? and place = ?`, account, place).Scan(&n)
	return n > 0, err
}

// linkGrace is how long after signing in by a link a password may be set without
// the old one, which is how a forgotten one is renewed.
const linkGrace = 15 * time.Minute

// SetPassword sets the password of the principal's own account. The old one is
// needed where there is one, unless the session was just opened by a link; a wrong
// one is ErrRefused. All other sessions of the account end, and its links.
func (s *Service) SetPassword(ctx context.Context, who access.Principal, old, password string, from Client) error {
	a, err := s.Account(ctx, who.ID)
	if err != nil {
		return err
	}
	if a.Provider != "" { // its owner would still come in when the provider says no
		return &catalog.Invalid{Path: "new", Reason: "this account signs in by " + a.Provider + " and has no password"}
	}
	if err := checkPassword(password, a.Name); err != nil {
		return err
	}
	_, byLinkNow, err := s.Expires(ctx, who)
	if err != nil {
		return err
	}
	var tries []attempt
	if a.HasPassword && !byLinkNow {
		tries = []attempt{{perPair, a.Name + "\x00" + place(from.Address)}}
		if err := s.attempt(ctx, tries...); err != nil {
			return err
		}
		c, err := credentialsOf(ctx, s.db, "id", a.ID)
		if err != nil {
			return err
		}
		if ok, err := s.fits(ctx, old, c.password); err != nil || !ok {
			return errors.Join(err, refusedUnless(ok))
		}
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, func(tx *accessdb.Tx) error {
		if err := s.forgive(ctx, tx, tries...); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update accounts set password = ? where id = ?`, hash, a.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from links where account = ?`, a.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from sessions where account = ? and id <> ?`, a.ID, who.Session)
		return err
	})
}

func refusedUnless(ok bool) error {
	if ok {
		return nil
	}
	return ErrRefused
}

// BeginSecondFactor makes a new secret for the principal's account, which counts
// once EnableSecondFactor has seen a code of it. uri is for a QR code. Where a second
// factor is on already the error is *catalog.Invalid: take it away first.
func (s *Service) BeginSecondFactor(ctx context.Context, who access.Principal, issuer string) (secret, uri string, err error) {
	a, err := s.Account(ctx, who.ID)
	if err != nil {
		return "", "", err
	}
	if a.Provider != "" {
		return "", "", &catalog.Invalid{Path: "second_factor", Reason: "this account signs in by " + a.Provider + ", which asks for it"}
	}
	secret = newTOTP()
	err = s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `update accounts set totp = ?, totp_last = 0 where id = ? and not totp_on`, secret, a.ID)
		if err == nil && n == 0 {
			return &catalog.Invalid{Path: "second_factor", Reason: "it is on already"}
		}
		return err
	})
	return secret, totpURI(issuer, a.Name, secret), err
}

// EnableSecondFactor turns it on with a code of the secret that was begun, and
// DisableSecondFactor off with a present code; ErrSecondFactor when the code is none.
func (s *Service) EnableSecondFactor(ctx context.Context, who access.Principal, code string) error {
	return s.switchSecondFactor(ctx, who, code, true)
}

// DisableSecondFactor is told at EnableSecondFactor.
func (s *Service) DisableSecondFactor(ctx context.Context, who access.Principal, code string) error {
	return s.switchSecondFactor(ctx, who, code, false)
}

func (s *Service) switchSecondFactor(ctx context.Context, who access.Principal, code string, on bool) error {
	factor := attempt{perFactor, who.ID}
	if err := s.attempt(ctx, factor); err != nil {
		return err
	}
	return s.change(ctx, func(tx *accessdb.Tx) error {
		if err := tx.Lock(ctx, who.ID); err != nil {
			return err
		}
		c, err := credentialsOf(ctx, tx, "id", who.ID)
		if err != nil {
			return err
		}
		if c.totp == "" || c.totpOn == on {
			return &catalog.Invalid{Path: "second_factor", Reason: "there is none to switch"}
		}
		if err := s.useCode(ctx, tx, &c, code); err != nil {
			return err
		}
		query := `update accounts set totp_on = true where id = ?`
		if !on {
			query = `update accounts set totp_on = false, totp = '' where id = ?`
		}
		if _, err := tx.Exec(ctx, query, who.ID); err != nil {
			return err
		}
		return s.forgive(ctx, tx, factor)
	})
}
