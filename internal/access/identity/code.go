package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// A citizen's code: six digits, good for ten minutes and five tries.
const (
	CodeTime  = 10 * time.Minute
	codeTries = 5
)

var phone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// contactOf reads a phone number (E.164; spaces, dashes and brackets are left out)
// or an e-mail address, in the one form in which it is compared.
func contactOf(text string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "+") {
		if n := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(text); phone.MatchString(n) {
			return n, nil
		}
	}
	if a, err := mail.ParseAddress(text); err == nil && a.Address == text && len(text) <= 254 && !strings.ContainsFunc(text, isControl) {
		return strings.ToLower(text), nil
	}
	return "", &catalog.Invalid{Path: "contact", Reason: "want a phone number such as +91 98200 00000, or an e-mail address"}
}

// TakesCitizens reports whether codes can be sent.
func (s *Service) TakesCitizens() bool { return s.sender != nil }

// RequestCode has a code sent to the contact, by Run. Whether it was, or the contact
// or the place it was asked from has had too many, is not said. A contact that is
// none is *catalog.Invalid.
func (s *Service) RequestCode(ctx context.Context, contact string, from Client) error {
	contact, err := contactOf(contact)
	if err != nil {
		return err
	}
	if s.sender == nil {
		return nil
	}
	var throttled *Throttled
	err = s.attempt(ctx, attempt{perContact, contact}, attempt{perSending, place(from.Address)})
	if errors.As(err, &throttled) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return err
	}
	code := fmt.Sprintf("%06d", n)
	err = s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		_, err := tx.Exec(ctx, `insert into codes (contact, secret, tries, expires) values (?, ?, 0, ?)
			on conflict (contact) do update set secret = excluded.secret, tries = 0, expires = excluded.expires`,
			digest(contact), codeDigest(contact, code), accessdb.Micros(s.now().Add(CodeTime)))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a code: %w", err)
	}
	select {
	case s.outbox <- message{contact, code}:
	default:
		s.log.Warn("a code was not sent: too many wait")
	}
	return nil
}

func codeDigest(contact, code string) []byte {
	sum := sha256.Sum256([]byte(contact + "\x00" + code))
	return sum[:]
}

// VerifyCode opens a session for the citizen whose contact the code was sent to; a
// code that is not the last one sent, too old, or tried too often is ErrRefused.
func (s *Service) VerifyCode(ctx context.Context, contact, code, old string, from Client) (secret string, err error) {
	contact, err = contactOf(contact)
	if err != nil {
		return "", err
	}
	tries := []attempt{{perGuess, place(from.Address)}}
	if err := s.attempt(ctx, tries...); err != nil {
		return "", err
	}
	run := s.db.Tx
	if old != "" {
		run = s.change
	}
	err = run(ctx, func(tx *accessdb.Tx) error {
		fits, err := s.tryCode(ctx, tx, contact, code)
		if err != nil || !fits {
			return err // a try that fails counts: it is committed
		}
		if err := s.forgive(ctx, tx, append(tries, attempt{perContact, contact})...); err != nil {
			return err
		}
		id, err := s.citizen(ctx, tx, contact)
		if err != nil {
			return err
		}
		secret, err = s.open(ctx, tx, access.Citizen, id, byCode, old, from)
		return err
	})
	if err == nil && secret == "" {
		err = ErrRefused
	}
	return secret, err
}

// tryCode counts a try, and uses the code up when it fits.
func (s *Service) tryCode(ctx context.Context, tx *accessdb.Tx, contact, code string) (bool, error) {
	if err := tx.Lock(ctx, contact); err != nil {
		return false, err
	}
	var want []byte
	err := tx.QueryRow(ctx, `update codes set tries = tries + 1 where contact = ? and tries < ? and expires > ? returning secret`,
		digest(contact), codeTries, accessdb.Micros(s.now())).Scan(&want)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read a code: %w", err)
	}
	if subtle.ConstantTimeCompare(want, codeDigest(contact, code)) != 1 {
		return false, nil
	}
	_, err = tx.Exec(ctx, `delete from codes where contact = ?`, digest(contact))
	return true, err
}

// citizen is the id of who has the contact, a new one at first.
func (s *Service) citizen(ctx context.Context, tx *accessdb.Tx, contact string) (id string, err error) {
	now := accessdb.Micros(s.now())
	err = tx.QueryRow(ctx, `insert into citizens (id, contact, created, last_seen) values (?, ?, ?, ?)
		on conflict (contact) do update set last_seen = excluded.last_seen returning id`, newID(), contact, now, now).Scan(&id)
	if err != nil {
		err = fmt.Errorf("note a citizen: %w", err)
	}
	return id, err
}
