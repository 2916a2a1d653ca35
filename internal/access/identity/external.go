package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// External is who an OpenID provider says has signed in. Issuer and Subject name
// them for ever; what is nil is for an administrator to set.
type External struct {
	Provider        string // id of the provider here
	Issuer, Subject string
	Name, Title     string // as the provider has them, to show
	Roles           *[]string
	Department      *string
	Wards           *[]string
}

// SignInExternal opens a session for who a provider vouches for. The first time it
// makes an account, never that of somebody else who has the same name; each time the
// account takes what the provider maps. A disabled account is ErrRefused.
func (s *Service) SignInExternal(ctx context.Context, e External, old string, from Client) (string, error) {
	if e.Issuer == "" || e.Subject == "" {
		return "", ErrRefused
	}
	id, err := s.external(ctx, &e)
	if err != nil {
		return "", err
	}
	change := AccountChange{Roles: e.Roles, Department: e.Department, Wards: e.Wards}
	if e.Title != "" {
		title := agentOf(e.Title)
		change.Title = &title
	}
	if a, err := s.ChangeAccount(ctx, id, change); err != nil {
		return "", fmt.Errorf("take over what the provider says: %w", err)
	} else if a.Disabled {
		return "", ErrRefused
	}
	return s.enter(ctx, id, "", byProvider, old, from, nil, nil)
}

// external is the id of the account, which is made where there is none.
func (s *Service) external(ctx context.Context, e *External) (string, error) {
	find := func() (id string, err error) {
		err = s.db.QueryRow(ctx, `select id from accounts where issuer = ? and subject = ?`, e.Issuer, e.Subject).Scan(&id)
		return id, err
	}
	id, err := find()
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	// The name ends in the provider's id, which no name of our own accounts would
	// have by chance; where it is taken all the same, it is made unlike any.
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._@+-", r) {
			return r
		}
		return -1
	}, strings.ToLower(e.Name))
	plain = plain[:min(len(plain), 50)]
	for _, name := range []string{plain + "@" + e.Provider, strings.ToLower(newID()) + "@" + e.Provider} {
		if !accountName.MatchString(name) {
			continue
		}
		a, err := s.insertAccount(ctx, Account{Name: name, Provider: e.Issuer}, e.Subject)
		if err == nil {
			return a.ID, nil
		}
		if id, again := find(); again == nil { // it signed in twice at once
			return id, nil
		}
		if !errors.Is(err, errTaken) {
			return "", err
		}
	}
	return "", fmt.Errorf("make an account for %s: every name is taken", e.Provider)
}
