package postgis

import (
	"errors"
	"fmt"
	"time"

	"nagar/catalog"
)

// makeStage makes the temporary table, once per connection and layout. What ends the
// batch empties it, see empty: ON COMMIT DELETE ROWS gives a temporary table and its
// index new files at every commit, which takes longer than all else that an edit does.
func (w *writer) makeStage() error {
	if w.rows > 0 {
		return nil
	}
	name := tempName("stage", w.t)
	if w.conn.Conn().PgConn().CustomData()[w.stageName()] != nil { // an earlier batch left it
		return nil
	}
	var there bool
	if err := w.conn.QueryRow(w.ctx, `select to_regclass($1) is not null`, "pg_temp."+name).Scan(&there); err != nil || there {
		return err
	}
	sql := fmt.Sprintf(`create temporary table %s as select 0::int nagar_ord, null::bytea nagar_given,
		id, geom%s, valid_from, valid_to, nagar_hash, fid nagar_fid, 0::smallint nagar_action, valid_from nagar_cut from %s limit 0`,
		name, w.t.fields, w.t.name())
	if _, err := w.conn.Exec(w.ctx, sql); err != nil {
		return err
	}
	_, err := w.conn.Exec(w.ctx, fmt.Sprintf(`create unique index on pg_temp.%s (nagar_ord)`, name))
	return err
}

// emptyAt is how many rows may have been through a temporary table before it is
// truncated; fewer are deleted, and the next batches pass over what is left of them.
const emptyAt = 2_000

// empty empties the temporary table at the end of the transaction.
func (w *writer) empty(end *trip) {
	if w.rows == 0 {
		return
	}
	left, _ := w.conn.Conn().PgConn().CustomData()[w.stageName()].(int) // 0 for a new one
	if w.left = left + w.rows; w.left < emptyAt {
		end.exec(`delete from ` + w.stageName())
		return
	}
	w.left = 0
	end.exec(`truncate ` + w.stageName())
}

func (w *writer) stageName() string { return "pg_temp." + tempName("stage", w.t) }

// errAgain says that the rows changed between looking and writing.
var errAgain = errors.New("the rows changed meanwhile")

// attempts is how often the merge is tried when others get in between.
const attempts = 8

// finish does what waits for the end of the stream: it merges the temporary
// table, copies what is new of the last chunk, erases, and deletes what a
// replacing batch leaves out.
//
// Whoever has to wait for another batch here waits in one order: existing rows
// by id, then new rows by id, then the next collection. So no two batches wait
// for each other.
func (w *writer) finish() error {
	for try := 1; w.rows > 0 || len(w.fresh) > 0; try++ {
		err := w.tryMerge()
		if err == nil {
			break
		}
		again := errors.Is(err, errAgain)
		if c := code(err); !again && c != codeUnique && c != codeDeadlock {
			return err
		}
		if try == attempts {
			return fmt.Errorf("%w: %s: others kept writing the same features (%w)", catalog.ErrUnavailable, w.t.Name, err)
		}
		if _, err := w.conn.Exec(w.ctx, `rollback to savepoint merge`); err != nil {
			return err
		}
		w.now = time.Time{} // what others committed meanwhile began after it
		// Somebody may have put what was new to us: let the merge find out.
		if err := w.stage(w.fresh); err != nil {
			return err
		}
		w.fresh = nil
	}
	if err := w.eraseAll(); err != nil {
		return err
	}
	if w.batch.Replace == w.t.Name {
		return w.deleteRest()
	}
	return nil
}

// tryMerge is one attempt; its counts hold only if it succeeds.
func (w *writer) tryMerge() error {
	kept := len(w.kept)
	var counts [catalog.Erased + 1]int
	if w.rows > 0 {
		heads, err := w.lockHeads()
		if err != nil {
			return err
		}
		var p *plan
		if p, counts, err = w.decideAll(heads); err != nil {
			return err
		}
		if err := w.carryOut(p); err != nil {
			w.kept = w.kept[:kept]
			return err
		}
	} else if _, err := w.conn.Exec(w.ctx, savepointMerge); err != nil {
		return err
	}
	err := w.copyFresh(w.fresh)
	if err == nil && len(w.fresh)+counts[catalog.Created]+w.result.Created > 0 {
		err = w.verifyInserted()
	}
	if err != nil {
		w.kept = w.kept[:kept]
		return err
	}
	counts[catalog.Created] += len(w.fresh)
	for st, n := range counts {
		w.result.count(catalog.Status(st), n)
		if st != int(catalog.Unchanged) && n > 0 {
			w.touched = true
		}
	}
	return nil
}

// savepointMerge is where an attempt goes back to; the commit releases it.
const savepointMerge = `savepoint merge`

// verifyInserted makes sure that nobody put and deleted a feature between our
// looking for it and our putting it: the version now there would begin before
// that deletion's end. Now that it is there, nobody can.
func (w *writer) verifyInserted() error {
	var bad bool
	err := w.conn.QueryRow(w.ctx, expand(`select exists (select from {history}) and exists (select from {table} c join {history} h on h.id = c.id
		where c.nagar_txn = {txn} and h.nagar_ended is not null and (c.valid_from is null or c.valid_from < h.nagar_ended))`,
		"history", w.t.history(), "table", w.t.name(), "txn", fmt.Sprint(w.txn))).Scan(&bad)
	if err == nil && bad {
		err = errAgain
	}
	return err
}

// lockHeads sets the savepoint, locks the rows that the staged operations are about
// and reads what they are now; the batch's time is taken once they are locked, so
// that no version locked began after it.
func (w *writer) lockHeads() ([]head, error) {
	var ask trip
	ask.exec(savepointMerge)
	// The lock comes first, alone: a query that locks and reads sees the rows as
	// they were before it waited.
	// LATERAL keeps the planner from going through the whole table in order.
	ask.exec(fmt.Sprintf(`select from (select id from %s order by id offset 0) s,
		lateral (select from %s c where c.id = s.id for no key update) l`, w.stageName(), w.t.name()))
	if w.now.IsZero() {
		ask.add(taker{row: func(v [][]byte) error { w.now = binaryInstant(v[0]).time(); return nil }}, `select clock_timestamp()`)
	}
	if w.merging {
		w.mergeFields(&ask)
	}
	heads := make([]head, len(w.staged))
	ask.add(taker{row: func(v [][]byte) error {
		heads[binaryInt(v[0])] = head{there: v[1] != nil, fid: binaryInt(v[1]), rev: catalog.Rev(binaryInt(v[2])),
			hash: binaryInt(v[3]), hashed: v[3] != nil, from: binaryInstant(v[4]), to: binaryInstant(v[5]),
			same: len(v[6]) == 1 && v[6][0] != 0, ended: binaryInstant(v[7])}
		return nil
	}}, fmt.Sprintf(`select s.nagar_ord, c.fid, m.rev, c.nagar_hash, c.valid_from, c.valid_to,
			case when c.fid is not null and (c.nagar_hash is null or s.nagar_hash is null or s.nagar_given is not null) then row(c.geom%s)::record operator(pg_catalog.*=) row(s.geom%s)::record else false end,
			e.ended
		from %s s left join %s c on c.id = s.id left join nagar.commits m on m.txn = c.nagar_txn
		left join lateral (select max(h.nagar_ended) ended from %s h where c.fid is null and h.id = s.id) e on true`,
		w.t.list("c."), w.t.list("s."), w.stageName(), w.t.name(), w.t.history()))
	err := ask.send(w.ctx, w.conn.Conn())
	return heads, err
}

// mergeFields gives merging Puts the current values of the fields that they leave out.
func (w *writer) mergeFields(ask *trip) {
	if len(w.t.Fields) == 0 {
		return
	}
	set, whole := "", ""
	for i, c := range w.t.columns {
		given := fmt.Sprintf("get_bit(s.nagar_given, %d) = 1", i)
		set += fmt.Sprintf("%s = case when %s then s.%[1]s else l.%[1]s end, ", quote(c), given)
		whole += fmt.Sprintf(" and (%s or l.%s is null)", given, quote(c))
	}
	// The hash stays that of the content where nothing was there to be kept.
	ask.exec(fmt.Sprintf(`update %s s set %s nagar_hash = case when true%[4]s then s.nagar_hash end
		from %[1]s z, lateral (select * from %[3]s c where c.id = z.id offset 0) l where z.nagar_ord = s.nagar_ord and z.nagar_given is not null`,
		w.stageName(), set, w.t.name(), whole))
}

// plan is what the merge will do, column by column as it is sent.
type plan struct {
	ords, fids, actions []int64
	froms, cuts         []instant
	inserts, changes    int
	removes             int // of the changes
}

func (w *writer) decideAll(heads []head) (*plan, [catalog.Erased + 1]int, error) {
	p := &plan{}
	var counts [catalog.Erased + 1]int
	now := instantOf(w.now)
	for i := range w.staged {
		o, h := &w.staged[i], &heads[i]
		if o.kind == catalog.Erase {
			continue
		}
		d, err := o.decide(w.t.Name, h, now)
		if err != nil {
			return nil, counts, err
		}
		st := [...]catalog.Status{keep: catalog.Unchanged, insert: catalog.Created, update: catalog.Updated, remove: catalog.Deleted}[d.action]
		w.statuses[o.ord] = st
		counts[st]++
		if d.action == keep {
			if h.there {
				w.keep(h.fid)
			}
			continue
		}
		p.ords = append(p.ords, int64(i))
		p.fids = append(p.fids, h.fid)
		p.actions = append(p.actions, int64(d.action))
		p.froms = append(p.froms, d.from)
		p.cuts = append(p.cuts, d.cut)
		if d.action == insert {
			p.inserts++
		} else {
			p.changes++
		}
		if d.action == remove {
			p.removes++
		}
	}
	return p, counts, nil
}

// carryOut writes the plan.
func (w *writer) carryOut(p *plan) error {
	if len(p.ords) == 0 {
		return nil
	}
	stage, c := w.stageName(), w.t.name()
	var do trip
	do.exec(fmt.Sprintf(`update %s s set nagar_fid = p.fid, nagar_action = p.action, valid_from = p.start, nagar_cut = p.cut
		from unnest($1::int[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::timestamptz[]) p(ord, fid, action, start, cut)
		where s.nagar_ord = p.ord`, stage), p.ords, p.fids, p.actions, p.froms, p.cuts)
	if p.changes > 0 {
		w.closeVersions(&do, stage, "s.nagar_fid", "s.nagar_cut", fmt.Sprintf("s.nagar_action = %d", remove),
			fmt.Sprintf("s.nagar_action in (%d, %d)", update, remove))
		set := ""
		for _, col := range w.t.columns {
			set += fmt.Sprintf(", %s = s.%[1]s", quote(col))
		}
		do.exec(fmt.Sprintf(`update %s c set geom = s.geom%s, valid_from = s.valid_from, valid_to = s.valid_to,
			nagar_txn = %d, nagar_hash = s.nagar_hash from %s s where c.fid = s.nagar_fid and s.nagar_action = %d`, c, set, w.txn, stage, update))
	}
	if p.removes > 0 {
		do.exec(fmt.Sprintf(`delete from %s c using %s s where c.fid = s.nagar_fid and s.nagar_action = %d`, c, stage, remove))
	}
	inserted := int64(p.inserts)
	if p.inserts > 0 {
		do.add(taker{rows: &inserted}, fmt.Sprintf(`insert into %s (id, geom%s, valid_from, valid_to, nagar_txn, nagar_hash)
			select s.id, s.geom%s, s.valid_from, s.valid_to, %d, s.nagar_hash from %s s where s.nagar_action = %d order by s.id
			on conflict (id) do nothing`, c, w.t.fields, w.t.list("s."), w.txn, stage, insert))
	}
	if err := do.send(w.ctx, w.conn.Conn()); err != nil {
		return err
	}
	if inserted != int64(p.inserts) {
		return errAgain
	}
	return nil
}

// closeVersions moves current versions to history: as they were held to be true
// until now, and what of them stays true until the cut. from names a table s
// whose rows give fid, cut and whether it is a deletion.
func (w *writer) closeVersions(do *trip, from, fid, cut, deletion, where string) {
	for _, sql := range []string{
		`insert into {history} (id, geom{fields}, valid_from, valid_to, nagar_txn, nagar_txn_to, nagar_main, nagar_ended)
			select c.id, c.geom{c}, c.valid_from, c.valid_to, c.nagar_txn, {txn}, true, case when {deletion} then {cut} end
			from {from} s join {table} c on c.fid = {fid} where {where}`,
		`insert into {history} (id, geom{fields}, valid_from, valid_to, nagar_txn, nagar_main)
			select c.id, c.geom{c}, c.valid_from, least({cut}, c.valid_to), {txn}, false
			from {from} s join {table} c on c.fid = {fid} where {where}
			and (c.valid_from is null or c.valid_from < least({cut}, c.valid_to))`,
	} {
		do.exec(expand(sql, "history", w.t.history(), "table", w.t.name(), "fields", w.t.fields, "c", w.t.list("c."),
			"txn", fmt.Sprint(w.txn), "from", from, "fid", fid, "cut", cut, "deletion", deletion, "where", where))
	}
}
