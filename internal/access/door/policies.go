package door

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// Schema is the table of this package: every version that the policy has had.
var Schema = accessdb.Schema{Name: "policy", Steps: [][]string{{
	`create table policies (
		version bigint primary key,
		document text not null,
		author text not null,
		written bigint not null)`,
}}}

// ErrChanged: the policy is not the one any more that the writer saw.
var ErrChanged = errors.New("the policy was changed meanwhile")

// Version is a policy as it once was.
type Version struct {
	Version int
	Author  string // id of the account; "" for the one that a city begins with
	Written time.Time
	Policy  *access.Policy
}

// Policy is the one in force; it is not to be changed.
func (d *Door) Policy(ctx context.Context) (*access.Policy, error) {
	s, err := d.state(ctx)
	if err != nil {
		return nil, err
	}
	return s.policy, nil
}

// SetPolicy puts a policy in force in place of version from, as the next version,
// which it returns: for the next request here, within 100 ms in other processes. What
// is wrong with it is *catalog.Invalid; when from is in force no more, ErrChanged.
func (d *Door) SetPolicy(ctx context.Context, p *access.Policy, from int, author string) (int, error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	next := *p
	next.Version = from + 1
	err := d.db.Tx(ctx, func(tx *accessdb.Tx) error {
		if err := tx.Lock(ctx, "policy"); err != nil {
			return err
		}
		have, err := latest(ctx, tx)
		if err != nil {
			return err
		}
		if have.Version != from {
			return ErrChanged
		}
		if have.Written.IsZero() { // the first one is kept too, now that there is another
			if err := insert(ctx, tx, have.Policy, "", d.now()); err != nil {
				return err
			}
		}
		if err := insert(ctx, tx, &next, author, d.now()); err != nil {
			return err
		}
		return tx.Changed(ctx)
	})
	if err != nil && !errors.Is(err, ErrChanged) {
		return 0, fmt.Errorf("write the policy: %w", err)
	}
	return next.Version, err
}

func insert(ctx context.Context, tx *accessdb.Tx, p *access.Policy, author string, at time.Time) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into policies (version, document, author, written) values (?, ?, ?, ?)`, p.Version, string(text), author, accessdb.Micros(at))
	return err
}

type reader interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// latest is the version in force: the one that every city begins with where none
// was ever written.
func latest(ctx context.Context, q reader) (Version, error) {
	all, err := versions(ctx, q, 1)
	if err != nil {
		return Version{}, err
	}
	return all[0], nil
}

// Versions lists the versions that the policy has had, latest first, at most limit.
func (d *Door) Versions(ctx context.Context, limit int) ([]Version, error) {
	return versions(ctx, d.db, limit)
}

func versions(ctx context.Context, q reader, limit int) ([]Version, error) {
	rows, err := q.Query(ctx, `select version, document, author, written from policies order by version desc limit ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	defer rows.Close()
	var out []Version
	for rows.Next() {
		var v Version
		var text string
		var written int64
		if err := rows.Scan(&v.Version, &text, &v.Author, &written); err != nil {
			return nil, fmt.Errorf("read the policy: %w", err)
		}
		if v.Policy, err = access.ReadPolicy([]byte(text)); err != nil {
			var inv *catalog.Invalid
			if errors.As(err, &inv) { // not the caller's fault
				err = fmt.Errorf("%s: %s", inv.Path, inv.Reason)
			}
			return nil, fmt.Errorf("version %d of the policy, as it is kept: %w", v.Version, err)
		}
		v.Written = accessdb.Time(written)
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	if len(out) == 0 {
		p := access.Default()
		out = []Version{{Version: p.Version, Policy: p}}
	}
	return out, nil
}
