package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"nagar/internal/access"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
	"nagar/internal/access/identity"
	"nagar/internal/app"
)

// accountCmd and tokenCmd manage who may come in, on the machine of the store: what
// they change counts in running servers from the next request on.
type accountCmd struct {
	Add     accountAddCmd     `cmd:"" help:"Make an account, and a one-time sign-in link for its owner."`
	Link    accountLinkCmd    `cmd:"" help:"Make another one-time sign-in link: for who forgot the password."`
	List    accountListCmd    `cmd:"" help:"List the accounts, one JSON object a line."`
	Disable accountDisableCmd `cmd:"" help:"Let nobody in by an account any more, from the next request on."`
	Enable  accountEnableCmd  `cmd:"" help:"Let its owner in again."`
}

type tokenCmd struct {
	Add    tokenAddCmd    `cmd:"" help:"Make an API token."`
	List   tokenListCmd   `cmd:"" help:"List the tokens, one JSON object a line; their secrets are not kept."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token."`
}

// profileFlags are what an account or token may do.
type profileFlags struct {
	Role       []string `help:"Role of the policy; may be repeated." placeholder:"ROLE"`
	Department string   `help:"Department, as collections name their owner." placeholder:"NAME"`
	Ward       []string `help:"Ward of work; may be repeated. None: the whole city." placeholder:"WARD" sep:"none"`
}

// secretFlags say where a secret goes.
type secretFlags struct {
	To string `help:"Keep the secret in this file, with mode 0600; without it, it is printed to a terminal." placeholder:"FILE"`
}

// check is called before the secret is made.
func (f *secretFlags) check(con *console) error {
	if f.To == "" && !app.IsTerminal(con.stdout) {
		return usageError{app.ErrNoTerminal}
	}
	return nil
}

func (f *secretFlags) give(con *console, secret string) error {
	if f.To != "" {
		return app.KeepSecret(f.To, secret+"\n")
	}
	_, err := fmt.Fprintln(con.stdout, secret)
	return err
}

// desk is what manages accounts and tokens.
type desk struct {
	*identity.Service
	policies *door.Door
	log      *audit.Log
}

// withDesk opens the access database of the store, calls fn and closes it.
func withDesk(ctx context.Context, f storeFlag, fn func(*desk) error) (err error) {
	l, err := app.ParseLocation(f.Store)
	if err != nil {
		return err
	}
	if l.Path != "" {
		if _, err := os.Stat(l.Path); err != nil { // a mistyped name must not make accounts for no city
			return fmt.Errorf("--store: %w", err)
		}
	}
	folder, err := l.Folder()
	if err != nil {
		return err
	}
	db, err := app.OpenAccess(ctx, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	identities := identity.New(db, identity.Options{})
	return fn(&desk{identities, door.New(db, identities, nil, ""), audit.New(db, folder)})
}

// record tells the audit log what is about to be done from the command line.
func (d *desk) record(ctx context.Context, action audit.Action, detail string) error {
	return d.log.Append(ctx, audit.Entry{Action: action, Detail: detail, Who: audit.Actor{Kind: access.Root, Name: "importer"}})
}

type accountAddCmd struct {
	Name  string `arg:"" help:"Name to sign in with."`
	Title string `help:"Name to show." placeholder:"TEXT"`
	Base  string `help:"Address of the server, for the link." default:"http://localhost:8080" placeholder:"URL"`
	profileFlags
	secretFlags
	storeFlag
}

// Run makes the account and its link.
func (c *accountAddCmd) Run(con *console) error {
	if err := c.check(con); err != nil {
		return err
	}
	return withDesk(con.ctx, c.storeFlag, func(d *desk) error {
		if err := d.policies.KnowsRoles(con.ctx, c.Role); err != nil {
			return err
		}
		if err := d.record(con.ctx, audit.Accounts, fmt.Sprintf("create %s; roles %q; department %q; wards %q", c.Name, c.Role, c.Department, c.Ward)); err != nil {
			return err
		}
		a, err := d.CreateAccount(con.ctx, identity.Account{Name: c.Name, Title: c.Title, Roles: c.Role, Department: c.Department, Wards: c.Ward})
		if err != nil {
			return err
		}
		return giveLink(con, d, &a, c.Base, &c.secretFlags)
	})
}

func giveLink(con *console, d *desk, a *identity.Account, base string, to *secretFlags) error {
	secret, expires, err := d.CreateLink(con.ctx, a.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stderr, "a link for %s, good once until %s\n", a.Name, expires.Local().Format(time.DateTime))
	return to.give(con, strings.TrimRight(base, "/")+"/auth/link/"+secret)
}

type accountLinkCmd struct {
	Name string `arg:"" help:"Name of the account."`
	Base string `help:"Address of the server, for the link." default:"http://localhost:8080" placeholder:"URL"`
	secretFlags
	storeFlag
}

// Run makes a link.
func (c *accountLinkCmd) Run(con *console) error {
	if err := c.check(con); err != nil {
		return err
	}
	return withDesk(con.ctx, c.storeFlag, func(d *desk) error {
		a, err := d.AccountNamed(con.ctx, c.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if err := d.record(con.ctx, audit.Accounts, "sign-in link for "+a.ID); err != nil {
			return err
		}
		return giveLink(con, d, &a, c.Base, &c.secretFlags)
	})
}

type accountListCmd struct{ storeFlag }

// Run prints the accounts.
func (c *accountListCmd) Run(con *console) error {
	return withDesk(con.ctx, c.storeFlag, func(d *desk) error {
		all, err := d.Accounts(con.ctx)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(con.stdout)
		for _, a := range all {
			err = errors.Join(err, enc.Encode(map[string]any{
				"id": a.ID, "name": a.Name, "title": a.Title, "roles": a.Roles, "department": a.Department, "wards": a.Wards,
				"disabled": a.Disabled, "has_password": a.HasPassword, "second_factor": a.SecondFactor,
			}))
		}
		return err
	})
}

type accountDisableCmd struct {
	Name string `arg:"" help:"Name of the account."`
	storeFlag
}

// Run disables the account.
func (c *accountDisableCmd) Run(con *console) error {
	return switchAccount(con, c.storeFlag, c.Name, true)
}

type accountEnableCmd struct {
	Name string `arg:"" help:"Name of the account."`
	storeFlag
}

// Run enables the account.
func (c *accountEnableCmd) Run(con *console) error {
	return switchAccount(con, c.storeFlag, c.Name, false)
}

func switchAccount(con *console, f storeFlag, name string, disabled bool) error {
	return withDesk(con.ctx, f, func(d *desk) error {
		a, err := d.AccountNamed(con.ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := d.record(con.ctx, audit.Accounts, fmt.Sprintf("change %s; disabled %v", a.ID, disabled)); err != nil {
			return err
		}
		_, err = d.ChangeAccount(con.ctx, a.ID, identity.AccountChange{Disabled: &disabled})
		return err
	})
}

type tokenAddCmd struct {
	Title      string   `arg:"" help:"What the token is for."`
	Collection []string `help:"Only this collection; may be repeated." placeholder:"NAME"`
	Purpose    string   `help:"Purpose of the policy for which it reads personal data." placeholder:"ID"`
	Days       int      `help:"How long it lasts, 1 to 366." default:"90" placeholder:"N"`
	profileFlags
	secretFlags
	storeFlag
}

// Run makes the token.
func (c *tokenAddCmd) Run(con *console) error {
	if err := c.check(con); err != nil {
		return err
	}
	return withDesk(con.ctx, c.storeFlag, func(d *desk) error {
		if err := d.policies.KnowsRoles(con.ctx, c.Role); err != nil {
			return err
		}
		policy, err := d.policies.Policy(con.ctx)
		if err != nil {
			return err
		}
		if c.Purpose != "" && !policy.Knows(c.Purpose) {
			return usageError{errors.New("--purpose: the policy has no such purpose")}
		}
		if err := d.record(con.ctx, audit.Tokens, fmt.Sprintf("create %q; roles %q; department %q; wards %q", c.Title, c.Role, c.Department, c.Ward)); err != nil {
			return err
		}
		t, secret, err := d.CreateToken(con.ctx, identity.Token{
			Title: c.Title, Roles: c.Role, Department: c.Department, Wards: c.Ward, Collections: c.Collection, Purpose: c.Purpose,
			Expires: time.Now().AddDate(0, 0, c.Days),
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(con.stderr, "token %s, good until %s\n", t.ID, t.Expires.Local().Format(time.DateTime))
		return c.give(con, secret)
	})
}

type tokenListCmd struct{ storeFlag }

// Run prints the tokens.
func (c *tokenListCmd) Run(con *console) error {
	return withDesk(con.ctx, c.storeFlag, func(d *desk) error {
		all, err := d.Tokens(con.ctx)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(con.stdout)
		for _, t := range all {
			err = errors.Join(err, enc.Encode(map[string]any{
				"id": t.ID, "title": t.Title, "roles": t.Roles, "department": t.Department, "wards": t.Wards,
				"collections": t.Collections, "purpose": t.Purpose, "expires": t.Expires,
			}))
		}
		return err
	})
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"Id of the token, as the list has it."`
	storeFlag
}

// Run revokes the token.
func (c *tokenRevokeCmd) Run(con *console) error {
	return withDesk(con.ctx, c.storeFlag, func(d *desk) error {
		if err := d.record(con.ctx, audit.Tokens, "revoke "+c.ID); err != nil {
			return err
		}
		return d.RemoveToken(con.ctx, c.ID)
	})
}
