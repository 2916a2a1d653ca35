package identity

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// Token is an API token: of a device, a department or an agency.
type Token struct {
	ID          string
	Title       string
	Roles       []string
	Department  string
	Wards       []string
	Collections []string // none: whatever its roles allow
	Purpose     string   // for which it reads personal data; "": it reads none
	Maker       string   // who made it: id of an account
	Created     time.Time
	Expires     time.Time
	LastUsed    time.Time // zero: never; by up to half a minute too early
}

// TokenPrefix begins the secret of each API token, so that scanners for lost secrets
// know one when they see it.
const TokenPrefix = "nagar_"

// maxToken is how long a token lasts at most.
const maxToken = 366 * 24 * time.Hour

const (
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	tokenBody  = 43 // of base 62: 256 bits
	tokenCheck = 6  // of base 62: CRC-32 of the body
)

// newToken makes the secret of a token: the prefix, 256 random bits and a checksum
// that tells a mistyped one from one that was revoked, without a look anywhere.
func newToken() string {
	out := make([]byte, 0, len(TokenPrefix)+tokenBody+tokenCheck)
	out = append(out, TokenPrefix...)
	var b [64]byte
	for len(out) < len(TokenPrefix)+tokenBody {
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		for _, c := range b {
			if c < 248 && len(out) < len(TokenPrefix)+tokenBody { // 4 × 62: each sign as likely as the others
				out = append(out, base62[c%62])
			}
		}
	}
	return string(append(out, checksum(string(out))...))
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var out [tokenCheck]byte
	for i := tokenCheck - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}

// wellFormed reports whether the text could be a token's secret.
func wellFormed(text string) bool {
	const n = len(TokenPrefix) + tokenBody
	return len(text) == n+tokenCheck && strings.HasPrefix(text, TokenPrefix) && checksum(text[:n]) == text[n:]
}

// Token says who the bearer of a token's secret is, and notes that it was used;
// ErrExpired when nobody.
func (s *Service) Token(ctx context.Context, secret string) (access.Principal, error) {
	if !wellFormed(secret) {
		return access.Principal{}, ErrExpired
	}
	return s.find(ctx, secret, s.readToken)
}

const tokenColumns = `id, title, roles, department, wards, collections, purpose, maker, created, expires, last_used`

func scanToken(row scanner) (Token, error) {
	var t Token
	var roles, wards, collections string
	var created, expires, used int64
	if err := row.Scan(&t.ID, &t.Title, &roles, &t.Department, &wards, &collections, &t.Purpose, &t.Maker, &created, &expires, &used); err != nil {
		return t, err
	}
	t.Created, t.Expires, t.LastUsed = accessdb.Time(created), accessdb.Time(expires), accessdb.Time(used)
	for _, l := range []struct {
		text string
		to   *[]string
	}{{roles, &t.Roles}, {wards, &t.Wards}, {collections, &t.Collections}} {
		var err error
		if *l.to, err = unlist(l.text); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (s *Service) readToken(ctx context.Context, secret []byte) (*entry, error) {
	t, err := scanToken(s.db.QueryRow(ctx, `select `+tokenColumns+` from tokens where secret = ?`, secret))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, fmt.Errorf("read a token: %w", err)
	}
	e := &entry{expires: accessdb.Micros(t.Expires)}
	e.seen.Store(accessdb.Micros(t.LastUsed))
	e.who = access.Principal{
		Kind: access.Token, ID: t.ID, Name: t.Title, Roles: withPublic(t.Roles), Department: t.Department,
		Wards: t.Wards, Purpose: t.Purpose, Session: t.ID, Collections: t.Collections,
	}
	return e, nil
}

// Tokens lists the tokens that are, latest first.
func (s *Service) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.db.Query(ctx, `select `+tokenColumns+` from tokens order by created desc, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Token
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("read the tokens: %w", err)
		}
		if at, ok := s.touched.Load(t.ID); ok {
			t.LastUsed = accessdb.Time(max(accessdb.Micros(t.LastUsed), at.(int64)))
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// CreateToken makes a token and returns it with its secret, which cannot be had
// again. What does not fit is *catalog.Invalid.
func (s *Service) CreateToken(ctx context.Context, t Token) (Token, string, error) {
	now := s.now()
	profile := Account{Title: t.Title, Roles: t.Roles, Department: t.Department, Wards: t.Wards}
	if err := checkProfile(&profile); err != nil {
		return t, "", err
	}
	t.Title, t.Roles, t.Wards = strings.TrimSpace(profile.Title), profile.Roles, profile.Wards
	switch {
	case t.Title == "":
		return t, "", &catalog.Invalid{Path: "title", Reason: "say what the token is for"}
	case !t.Expires.After(now), t.Expires.After(now.Add(maxToken)):
		return t, "", &catalog.Invalid{Path: "expires", Reason: "want a time in the next year"}
	case len(t.Collections) > 500:
		return t, "", &catalog.Invalid{Path: "collections", Reason: "more than 500"}
	}
	t.ID, t.Created, t.Expires, t.LastUsed = newID(), now.UTC().Truncate(time.Microsecond), t.Expires.UTC().Truncate(time.Second), time.Time{}
	secret := newToken()
	err := s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		_, err := tx.Exec(ctx, `insert into tokens (id, secret, title, roles, department, wards, collections, purpose, maker, created, expires, last_used)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
			t.ID, digest(secret), t.Title, list(t.Roles), t.Department, list(t.Wards), list(t.Collections), t.Purpose, t.Maker,
			accessdb.Micros(t.Created), accessdb.Micros(t.Expires))
		return err
	})
	return t, secret, err
}

// RemoveToken revokes a token.
func (s *Service) RemoveToken(ctx context.Context, id string) error {
	return s.change(ctx, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `delete from tokens where id = ?`, id)
		if err == nil && n == 0 {
			return fmt.Errorf("token: %w", catalog.ErrNotFound)
		}
		return err
	})
}
