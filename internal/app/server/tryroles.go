package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/access/identity"
	"nagar/internal/app"
	"nagar/internal/demo"
)

// trial is an account by which a visitor of the demo city tries a role.
type trial struct {
	account identity.Account
	try     string
}

func trials(profile *city.Profile) []trial {
	var wards []string
	for _, w := range profile.Wards[:min(2, len(profile.Wards))] {
		wards = append(wards, w.Name)
	}
	account := func(role, title, department string, wards ...string) identity.Account {
		return identity.Account{Name: "demo-" + role, Title: title, Roles: []string{role}, Department: department, Wards: wards}
	}
	in := strings.Join(wards, ", ")
	return []trial{
		{account("planner", "Demo planner", "Development Plan"), "all internal layers: turn on Reports and Assets"},
		{account("surveyor", "Demo surveyor", "Survey Office", wards...), "internal layers in wards " + in + " only; edit an asset there"},
		{account("officer", "Demo officer, Citizen Services", "Citizen Services", wards...), "what a report in wards " + in + " says; give a purpose, and who made it too"},
		{account("administrator", "Demo administrator", ""), "accounts, tokens and the policy: change it, and watch the others' maps follow"},
	}
}

// tryRoles makes the demo's accounts, and a one-time sign-in link for each: on a
// terminal they are printed, elsewhere kept in a file that only its owner reads. A
// store that is no demo, or that has accounts of its own, is left alone.
func tryRoles(ctx context.Context, e *entrance, store catalog.Store, profile *city.Profile, base string, out io.Writer) error {
	c, err := store.Collection(ctx, "buildings")
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if err != nil || c.Source != demo.Source {
		return nil
	}
	accounts, err := e.identities.Accounts(ctx)
	if err != nil {
		return err
	}
	ids := map[string]string{}
	for _, a := range accounts {
		if !strings.HasPrefix(a.Name, "demo-") {
			return nil
		}
		ids[a.Name] = a.ID
	}
	var text strings.Builder
	fmt.Fprintln(&text, "Try a role: each link signs you in once, within a day.")
	for _, t := range trials(profile) {
		id, ok := ids[t.account.Name]
		if !ok {
			a, err := e.identities.CreateAccount(ctx, t.account)
			if err != nil {
				return fmt.Errorf("make the account %s: %w", t.account.Name, err)
			}
			id = a.ID
		}
		secret, _, err := e.identities.CreateLink(ctx, id)
		if errors.Is(err, catalog.ErrNotFound) { // disabled
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "  %s: %s\n    %s/auth/link/%s\n", t.account.Title, t.try, base, secret)
	}
	if app.IsTerminal(out) {
		_, err := io.WriteString(out, text.String())
		return err
	}
	file := filepath.Join(e.folder, "sign-in-links")
	if err := app.KeepSecret(file, text.String()); err != nil {
		return err
	}
	fmt.Fprintf(out, "sign-in links for the demo's roles are in %s\n", file)
	return nil
}

// addressOf is where a browser on this machine finds the listener.
func addressOf(scheme string, l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return scheme + "://localhost:" + port
	}
	return scheme + "://" + l.Addr().String()
}
