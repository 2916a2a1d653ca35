package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access/accessdb"
)

// Account is a member of staff.
type Account struct {
	ID           string
	Name         string // to sign in with: lower case
	Title        string // to show
	Roles        []string
	Department   string
	Wards        []string
	Disabled     bool
	HasPassword  bool
	SecondFactor bool
	Provider     string // id of the OpenID provider it signs in by; "" for one of our own
	Created      time.Time
	LastSeen     time.Time // zero: never
}

// AccountChange is what is to be changed of an account; nil leaves as it is.
type AccountChange struct {
	Title        *string
	Roles        *[]string
	Department   *string
	Wards        *[]string
	Disabled     *bool
	SecondFactor *bool // only false: the owner has lost it
}

var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{1,99}$`)

const accountColumns = `id, name, title, roles, department, wards, disabled, password <> '', totp_on, issuer, created, last_seen`

type scanner interface{ Scan(...any) error }

func scanAccount(row scanner) (Account, error) {
	var a Account
	var roles, wards string
	var created, seen int64
	err := row.Scan(&a.ID, &a.Name, &a.Title, &roles, &a.Department, &wards, &a.Disabled, &a.HasPassword, &a.SecondFactor, &a.Provider, &created, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fmt.Errorf("account: %w", catalog.ErrNotFound)
	}
	if err != nil {
		return a, err
	}
	a.Created, a.LastSeen = accessdb.Time(created), accessdb.Time(seen)
	if a.Roles, err = unlist(roles); err != nil {
		return a, err
	}
	a.Wards, err = unlist(wards)
	return a, err
}

// Accounts lists every account, by name.
func (s *Service) Accounts(ctx context.Context) ([]Account, error) {
	rows, err := s.db.Query(ctx, `select `+accountColumns+` from accounts order by name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Account
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Account reads one; without it the error wraps catalog.ErrNotFound.
func (s *Service) Account(ctx context.Context, id string) (Account, error) {
	return scanAccount(s.db.QueryRow(ctx, `select `+accountColumns+` from accounts where id = ?`, id))
}

// AccountNamed is Account by name.
func (s *Service) AccountNamed(ctx context.Context, name string) (Account, error) {
	return scanAccount(s.db.QueryRow(ctx, `select `+accountColumns+` from accounts where name = ?`, strings.ToLower(name)))
}

// CreateAccount makes an account of the name, title, roles, department and wards
// given. It has no password: its owner sets one, signed in by a link. A name that is
// taken, or none, is *catalog.Invalid.
func (s *Service) CreateAccount(ctx context.Context, a Account) (Account, error) {
	a.Name = strings.ToLower(strings.TrimSpace(a.Name))
	if !accountName.MatchString(a.Name) {
		return a, &catalog.Invalid{Path: "name", Reason: "want 2 to 100 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit"}
	}
	if err := checkProfile(&a); err != nil {
		return a, err
	}
	a.Provider = ""
	a, err := s.insertAccount(ctx, a, "")
	if errors.Is(err, errTaken) {
		err = &catalog.Invalid{Path: "name", Reason: "the name is taken"}
	}
	return a, err
}

var errTaken = errors.New("the account's name is taken")

func (s *Service) insertAccount(ctx context.Context, a Account, subject string) (Account, error) {
	a.ID, a.Created = newID(), s.now().UTC().Truncate(time.Microsecond)
	a.Disabled, a.HasPassword, a.SecondFactor, a.LastSeen = false, false, false, time.Time{}
	err := s.change(ctx, func(tx *accessdb.Tx) error {
		_, err := tx.Exec(ctx, `insert into accounts (id, name, title, roles, department, wards, disabled, password, totp, totp_on, totp_last, issuer, subject, created, last_seen)
			values (?, ?, ?, ?, ?, ?, false, '', '', false, 0, ?, ?, ?, 0)`,
			a.ID, a.Name, a.Title, list(a.Roles), a.Department, list(a.Wards), a.Provider, subject, accessdb.Micros(a.Created))
		return err
	})
	if accessdb.Duplicate(err) {
		err = errTaken
	}
	return a, err
}

// checkProfile puts what an account is in order. Whether the policy knows its roles
// is for the caller to see.
func checkProfile(a *Account) error {
	for _, text := range []struct{ path, value string }{{"title", a.Title}, {"department", a.Department}} {
		if len(text.value) > 200 || strings.ContainsFunc(text.value, isControl) {
			return &catalog.Invalid{Path: text.path, Reason: "want at most 200 bytes in one line"}
		}
	}
	for _, names := range []struct {
		path  string
		value *[]string
	}{{"roles", &a.Roles}, {"wards", &a.Wards}} {
		if len(*names.value) > 100 {
			return &catalog.Invalid{Path: names.path, Reason: "more than 100"}
		}
		for i, n := range *names.value {
			if n == "" || len(n) > 100 || strings.ContainsFunc(n, isControl) {
				return &catalog.Invalid{Path: fmt.Sprintf("%s[%d]", names.path, i), Reason: "want 1 to 100 bytes in one line"}
			}
		}
		sorted := slices.Clone(*names.value)
		slices.Sort(sorted)
		*names.value = slices.Compact(sorted)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// ChangeAccount changes an account; it counts from the next request on. Disabling
// ends all its sessions and links.
func (s *Service) ChangeAccount(ctx context.Context, id string, c AccountChange) (Account, error) {
	var a Account
	err := s.change(ctx, func(tx *accessdb.Tx) error {
		var err error
		if err = tx.Lock(ctx, id); err != nil {
			return err
		}
		if a, err = scanAccount(tx.QueryRow(ctx, `select `+accountColumns+` from accounts where id = ?`, id)); err != nil {
			return err
		}
		c.Apply(&a)
		if c.SecondFactor != nil && *c.SecondFactor {
			return &catalog.Invalid{Path: "second_factor", Reason: "only its owner can set one; false takes it away"}
		}
		if err := checkProfile(&a); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, `update accounts set title = ?, roles = ?, department = ?, wards = ?, disabled = ? where id = ?`,
			a.Title, list(a.Roles), a.Department, list(a.Wards), a.Disabled, id); err != nil {
			return err
		}
		if c.SecondFactor != nil {
			if _, err = tx.Exec(ctx, `update accounts set totp = '', totp_on = false where id = ?`, id); err != nil {
				return err
			}
			a.SecondFactor = false
		}
		if a.Disabled {
			return endAll(ctx, tx, id)
		}
		return nil
	})
	return a, err
}

// Apply makes the change to a copy of an account; ChangeAccount makes it last.
func (c *AccountChange) Apply(a *Account) {
	if c.Title != nil {
		a.Title = *c.Title
	}
	if c.Roles != nil {
		a.Roles = *c.Roles
	}
	if c.Department != nil {
		a.Department = *c.Department
	}
	if c.Wards != nil {
		a.Wards = *c.Wards
	}
	if c.Disabled != nil {
		a.Disabled = *c.Disabled
	}
}

// RemoveAccount removes an account with its sessions and links. Its id is never
// given again; the audit goes on naming it.
func (s *Service) RemoveAccount(ctx context.Context, id string) error {
	return s.change(ctx, func(tx *accessdb.Tx) error {
		n, err := tx.Exec(ctx, `delete from accounts where id = ?`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("account: %w", catalog.ErrNotFound)
		}
		if _, err := tx.Exec(ctx, `delete from places where account = ?`, id); err != nil {
			return err
		}
		return endAll(ctx, tx, id)
	})
}

// endAll ends every way in that an account has open.
func endAll(ctx context.Context, tx *accessdb.Tx, account string) error {
	if _, err := tx.Exec(ctx, `delete from sessions where account = ?`, account); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `delete from links where account = ?`, account)
	return err
}
