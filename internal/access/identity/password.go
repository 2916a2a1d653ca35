package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"nagar/catalog"
)

// The bounds of a password: NIST SP 800-63B asks for length and no rules of signs.
const (
	minPassword = 12   // characters
	maxPassword = 1024 // bytes
)

// most is how many sign-ins may stand in line for a place to hash.
const most = 64

// withPlace runs fn, which hashes a password in 64 MiB of memory, when there is a
// place: a crowd at the door costs time, not memory.
func (s *Service) withPlace(ctx context.Context, fn func() error) error {
	if s.waiting.Add(1) > most {
		s.waiting.Add(-1)
		return ErrBusy
	}
	defer s.waiting.Add(-1)
	select {
	case s.hashing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.hashing }()
	return fn()
}

// nobody is the hash of a password that nobody has: of the same work as a real one.
func nobody(p *argon2id.Params) string {
	zeros := func(n uint32) string { return strings.Repeat("A", base64.RawStdEncoding.EncodedLen(int(n))) }
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Iterations, p.Parallelism, zeros(p.SaltLength), zeros(p.KeyLength))
}

// fits reports whether the password is the one of the hash. Where there is no hash
// the work is the same, and the answer no.
func (s *Service) fits(ctx context.Context, password, hash string) (ok bool, err error) {
	if len(password) > maxPassword {
		password = ""
	}
	known := hash != ""
	if !known {
		hash = nobody(s.argon)
	}
	err = s.withPlace(ctx, func() error {
		var err error
		ok, err = argon2id.ComparePasswordAndHash(password, hash)
		return err
	})
	return ok && known, err
}

// checkPassword checks the form of a new password.
func checkPassword(password, account string) error {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return &catalog.Invalid{Path: "new", Reason: fmt.Sprintf("a password has at least %d characters; several words make a good one", minPassword)}
	case len(password) > maxPassword:
		return &catalog.Invalid{Path: "new", Reason: fmt.Sprintf("a password has at most %d bytes", maxPassword)}
	case strings.Contains(strings.ToLower(password), account) && len(password) < len(account)+minPassword:
		return &catalog.Invalid{Path: "new", Reason: "the password is little more than the account's name"}
	case strings.Count(password, password[:1]) == len(password):
		return &catalog.Invalid{Path: "new", Reason: "the password is one character many times"}
	}
	return nil
}

func (s *Service) hash(ctx context.Context, password string) (hash string, err error) {
	err = s.withPlace(ctx, func() error {
		var err error
		hash, err = argon2id.CreateHash(password, s.argon)
		return err
	})
	return hash, err
}
