package identity

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/internal/access/accessdb"
)

// LinkTime is how long a sign-in link is good, once.
const LinkTime = 24 * time.Hour

// CreateLink makes the secret of a link by which the account's owner signs in once:
// new members, and who has forgotten the password. The account's second factor, if
// it has one, is asked all the same.
func (s *Service) CreateLink(ctx context.Context, account string) (secret string, expires time.Time, err error) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	now := s.now()
	expires = now.Add(LinkTime).UTC().Truncate(time.Second)
	err = s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `insert into links (secret, account, created, expires) select ?, id, ?, ? from accounts where id = ? and not disabled`,
			digest(secret), accessdb.Micros(now), accessdb.Micros(expires), account)
		if err == nil && n == 0 {
			return fmt.Errorf("account: %w", catalog.ErrNotFound)
		}
		return err
	})
	return secret, expires, err
}

// UseLink opens a session by a link, which is used up then. ErrSecondFactor asks for
// the code, and leaves the link.
func (s *Service) UseLink(ctx context.Context, link, code, old string, from Client) (string, error) {
	tries := []attempt{{perGuess, place(from.Address)}}
	if err := s.attempt(ctx, tries...); err != nil {
		return "", err
	}
	var account string
	now := accessdb.Micros(s.now())
	err := s.db.QueryRow(ctx, `select account from links where secret = ? and expires > ?`, digest(link), now).Scan(&account)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrRefused
	}
	if err != nil {
		return "", fmt.Errorf("read a link: %w", err)
	}
	return s.enter(ctx, account, code, byLink, old, from, tries, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `delete from links where secret = ?`, digest(link))
		if err == nil && n == 0 { // another has just used it
			return ErrRefused
		}
		return err
	})
}
