package postgis

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
)

// A chunk is sent on when it has this many operations or bytes.
const (
	chunkOps   = 10_000
	chunkBytes = 4 << 20
)

// writer takes the operations of one batch on one collection.
type writer struct {
	*applier
	t       *table
	enc     rowEncoder
	ops     []op     // of the chunk
	bodies  []byte   // their encoded rows, see rowEncoder.body
	ends    []int    // of the rows in bodies; a Delete's is empty
	given   [][]byte // of a merging Put, the fields it names
	out     []byte   // scratch: what goes through COPY
	seen    map[[2]uint64]struct{}
	fresh   []int // of the last chunk, what is new
	staged  []op  // in the temporary table, or erasures
	merging bool  // some of staged merge
	rows    int   // in the temporary table
	left    int   // rows deleted from it since it was last truncated
	touched bool
	now     time.Time // the batch's time, once a write needed it
	kept    []int64   // fids that the batch leaves as they are, when it replaces the collection
}

func newWriter(a *applier, t *table) *writer {
	return &writer{applier: a, t: t, enc: rowEncoder{t: t}, seen: map[[2]uint64]struct{}{}}
}

var idSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// once refuses a second operation on a feature. It remembers 128 bits of hash per
// id, under seeds that nobody outside knows, instead of the id: one mistake in
// 10²⁶ batches of a million.
func (w *writer) once(id string) error {
	k := [2]uint64{maphash.String(idSeeds[0], id), maphash.String(idSeeds[1], id)}
	if _, twice := w.seen[k]; twice {
		return &catalog.Invalid{Path: "id", Reason: fmt.Sprintf("%s/%s is there twice in one batch", w.t.Name, id)}
	}
	w.seen[k] = struct{}{}
	return nil
}

// add checks and encodes one operation.
func (w *writer) add(o *catalog.Op) error {
	p := op{ord: w.n, kind: o.Kind, merge: o.Merge && o.Kind == catalog.Put, id: o.Feature.ID,
		from: instantOf(o.Feature.ValidFrom), to: instantOf(o.Feature.ValidTo)}
	if o.If != nil {
		p.cond, p.want = true, *o.If
	}
	w.n++
	w.statuses = append(w.statuses, catalog.Unchanged)
	if err := w.check(o); err != nil {
		return err
	}
	if err := w.once(p.id); err != nil {
		return err
	}
	switch o.Kind {
	case catalog.Put:
		var err error
		if w.bodies, p.hash, err = w.enc.body(w.bodies, &o.Feature); err != nil {
			return err
		}
	case catalog.Erase:
		p.fields = append([]string{}, o.Fields...)
		w.staged = append(w.staged, p)
		return nil
	}
	var given []byte
	if p.merge {
		given = w.enc.given()
	}
	w.ops, w.ends, w.given = append(w.ops, p), append(w.ends, len(w.bodies)), append(w.given, given)
	if len(w.ops) >= chunkOps || len(w.bodies) >= chunkBytes {
		return w.flush(false)
	}
	return nil
}

func (w *writer) check(o *catalog.Op) error {
	for _, i := range []instant{instantOf(o.Feature.ValidFrom), instantOf(o.Feature.ValidTo)} {
		if err := checkInstant("valid_from", i); err != nil {
			return err
		}
	}
	switch o.Kind {
	case catalog.Put:
		return w.checkPut(&o.Feature)
	case catalog.Delete:
		return catalog.CheckID(o.Feature.ID)
	case catalog.Erase:
		for _, name := range o.Fields {
			if _, ok := w.t.byName[name]; !ok {
				return &catalog.Invalid{Path: "fields", Reason: fmt.Sprintf("%s has no field %q", w.t.Name, name)}
			}
		}
		return catalog.CheckID(o.Feature.ID)
	}
	return &catalog.Invalid{Path: "kind", Reason: fmt.Sprintf("unknown operation %d", o.Kind)}
}

func (w *writer) checkPut(f *catalog.Feature) error {
	if err := w.t.Check(f); err != nil {
		return err
	}
	for i := range f.Props { // at most one per name
		for j := range f.Props[:i] {
			if f.Props[j].Name == f.Props[i].Name {
				return &catalog.Invalid{Path: "properties." + f.Props[i].Name, Reason: "is there twice"}
			}
		}
	}
	return nil
}

// body is the encoded row of operation i of the chunk.
func (w *writer) body(i int) []byte {
	from := 0
	if i > 0 {
		from = w.ends[i-1]
	}
	return w.bodies[from:w.ends[i]]
}

// flush sends the chunk on: what is new into the table, what may change something
// into the temporary table. What is new of the last chunk waits for finish.
func (w *writer) flush(last bool) error {
	if len(w.ops) == 0 {
		return nil
	}
	if last && w.optimistic() {
		w.fresh = make([]int, len(w.ops))
		for i := range w.fresh {
			w.fresh[i] = i
			w.ops[i].begin = w.ops[i].from
		}
		w.sortFresh()
		return nil
	}
	heads, err := w.heads()
	if err != nil {
		return err
	}
	var fresh, rest []int
	for i := range w.ops {
		o := &w.ops[i]
		h := heads[i]
		switch {
		case h == nil || !h.there:
			if h == nil {
				h = &head{ended: none}
			}
			if o.kind == catalog.Delete && !o.cond {
				break // what is not there need not go
			}
			d, err := o.decide(w.t.Name, h, none)
			if err != nil || d.action != insert {
				// The feature may just be on its way in: judged again, for good, at the end.
				rest = append(rest, i)
				break
			}
			o.begin = d.from // and not o.from: should somebody be quicker, it is judged anew as it was given
			fresh = append(fresh, i)
		case o.kind == catalog.Put && !o.cond && h.hashed && o.unchanged(h):
			w.keep(h.fid)
		default:
			rest = append(rest, i)
		}
	}
	for i := range w.ops {
		w.statuses[w.ops[i].ord] = catalog.Unchanged
	}
	w.result.Unchanged += len(w.ops) - len(fresh) - len(rest)
	if last {
		w.fresh = fresh
		w.sortFresh()
		return w.stage(rest)
	}
	if err := w.copyFirst(fresh); err != nil {
		if !errors.Is(err, errTaken) {
			return err
		}
		rest = append(rest, fresh...)
	}
	if err := w.stage(rest); err != nil {
		return err
	}
	w.ops, w.bodies, w.ends, w.given = w.ops[:0], w.bodies[:0], w.ends[:0], w.given[:0]
	return nil
}

// optimistic reports whether to copy the chunk without asking first what is there
// already: in the midst of a load that has brought nothing but new features. The
// unique index, and verifyInserted, tell if that was wrong.
func (w *writer) optimistic() bool {
	w.s.mu.Lock()
	loading := w.s.loading[w.t.coll]
	w.s.mu.Unlock()
	for i := range w.ops {
		if o := &w.ops[i]; o.kind != catalog.Put || o.merge || o.cond {
			return false
		}
	}
	return loading && len(w.ops) >= loadOps && w.batch.Replace == ""
}

// loadOps is how many features a batch of a load has at least.
const loadOps = 500

func (w *writer) sortFresh() {
	slices.SortFunc(w.fresh, func(i, j int) int { return strings.Compare(w.ops[i].id, w.ops[j].id) })
}

func (w *writer) keep(fid int64) {
	if w.batch.Replace == w.t.Name {
		w.kept = append(w.kept, fid)
	}
}

// heads asks what the store has of the chunk's features; nil where it has nothing.
func (w *writer) heads() ([]*head, error) {
	ids := make([]string, len(w.ops))
	for i := range w.ops {
		ids[i] = w.ops[i].id
	}
	sql := fmt.Sprintf(`select u.ord, c.fid, c.nagar_hash, c.valid_from, c.valid_to, e.ended
		from unnest($1::text[]) with ordinality u(id, ord)
		left join %s c on c.id = u.id collate "C"
		left join lateral (select max(h.nagar_ended) ended from %s h where c.fid is null and h.id = u.id collate "C") e on true
		where c.fid is not null or e.ended is not null`, w.t.name(), w.t.history())
	rows, err := queryBinary(w.ctx, w.conn.Conn(), sql, ids)
	if err != nil {
		return nil, err
	}
	defer rows.close()
	out := make([]*head, len(w.ops))
	for rows.next() {
		v := rows.values()
		h := &head{there: v[1] != nil, fid: binaryInt(v[1]), hash: binaryInt(v[2]), hashed: v[2] != nil,
			from: binaryInstant(v[3]), to: binaryInstant(v[4]), ended: binaryInstant(v[5])}
		if i := binaryInt(v[0]) - 1; i >= 0 && i < int64(len(out)) {
			out[i] = h
		}
	}
	return out, rows.close()
}

// errTaken says that another transaction put one of the features first.
var errTaken = errors.New("put by another transaction meanwhile")

// copyFirst copies new rows of a chunk that is not the last, if nobody else has
// put one of them.
func (w *writer) copyFirst(which []int) error {
	if len(which) == 0 {
		return nil
	}
	if _, err := w.conn.Exec(w.ctx, `savepoint fresh`); err != nil {
		return err
	}
	err := w.copyFresh(which)
	if c := code(err); c == codeUnique || c == codeDeadlock {
		if _, err := w.conn.Exec(w.ctx, `rollback to savepoint fresh`); err != nil {
			return err
		}
		return errTaken
	}
	if err != nil {
		return err
	}
	w.result.Created += len(which)
	w.touched = true
	_, err = w.conn.Exec(w.ctx, `release savepoint fresh`)
	return err
}

// copyFresh copies rows that are not there yet into the table.
func (w *writer) copyFresh(which []int) error {
	if len(which) == 0 {
		return nil
	}
	w.out = append(w.out[:0], copyHeader...)
	for _, i := range which {
		w.out = binary.BigEndian.AppendUint16(w.out, uint16(6+len(w.t.Fields)))
		w.out = append(w.out, w.body(i)...)
		w.out = appendInstant(w.out, w.ops[i].begin)
		w.out = appendInt64(w.out, w.txn)
		w.statuses[w.ops[i].ord] = catalog.Created
	}
	return w.copyIn(fmt.Sprintf(`copy %s (id, geom%s, valid_to, nagar_hash, valid_from, nagar_txn) from stdin binary`, w.t.name(), w.t.fields))
}

// stage copies operations into the temporary table.
func (w *writer) stage(which []int) error {
	if len(which) == 0 {
		return nil
	}
	if err := w.makeStage(); err != nil {
		return err
	}
	w.out = append(w.out[:0], copyHeader...)
	for _, i := range which {
		o := &w.ops[i]
		w.out = binary.BigEndian.AppendUint16(w.out, uint16(6+len(w.t.Fields)))
		if o.kind == catalog.Put {
			w.out = append(w.out, w.body(i)...)
		} else {
			w.out = appendText(w.out, o.id)
			for range len(w.t.Fields) + 3 {
				w.out = appendNull(w.out)
			}
		}
		w.out = appendInt32(w.out, int32(len(w.staged)))
		if o.merge {
			w.out = appendText(w.out, string(w.given[i]))
			w.merging = true
		} else {
			w.out = appendNull(w.out)
		}
		w.staged = append(w.staged, *o)
		w.rows++
	}
	return w.copyIn(fmt.Sprintf(`copy pg_temp.%s (id, geom%s, valid_to, nagar_hash, nagar_ord, nagar_given) from stdin binary`,
		tempName("stage", w.t), w.t.fields))
}

var copyHeader = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")

// copyIn sends what is in w.out, to which it adds the trailer.
func (w *writer) copyIn(sql string) error {
	w.out = append(w.out, 0xff, 0xff)
	_, err := w.conn.Conn().PgConn().CopyFrom(w.ctx, bytes.NewReader(w.out), sql)
	return err
}
