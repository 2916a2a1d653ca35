package accessdb

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// Leases is the schema that leases are kept by.
var Leases = Schema{Name: "leases", Steps: [][]string{{
	`create table leases (name text primary key, holder text not null, until bigint not null)`,
}}}

// Lease lets one of the processes that share the database do a work at a time. It
// runs out when its holder is silent.
type Lease struct {
	db     *DB
	name   string
	holder string
	last   time.Duration
}

// Lease returns the lease of that name, for this caller; db was opened with Leases.
func (db *DB) Lease(name string, last time.Duration) *Lease {
	return &Lease{db: db, name: name, holder: rand.Text(), last: last}
}

// Hold takes the lease or lengthens it; false: another has it.
func (l *Lease) Hold(ctx context.Context) (bool, error) {
	held := false
	err := l.db.Tx(ctx, func(tx *Tx) error {
		now := time.Now()
		n, err := tx.Exec(ctx, `insert into leases (name, holder, until) values (?, ?, ?)
			on conflict (name) do update set holder = excluded.holder, until = excluded.until where leases.holder = excluded.holder or leases.until < ?`,
			l.name, l.holder, now.Add(l.last).UnixMicro(), now.UnixMicro())
		held = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("lease %s: %w", l.name, err)
	}
	return held, nil
}

// Release gives the lease back, where this caller has it.
func (l *Lease) Release(ctx context.Context) error {
	return l.db.Tx(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `delete from leases where name = ? and holder = ?`, l.name, l.holder)
		return err
	})
}
