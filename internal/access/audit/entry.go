package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"time"

	"nagar/geo"
	"nagar/internal/access"
)

// Action says what was done.
type Action string

// The actions. Those that begin with the same word before the dash belong together.
const (
	Read       Action = "read"        // features by id or by a query
	ReadTile   Action = "read-tile"   // a tile; what lies in Box
	Search     Action = "read-search" // by name
	Export     Action = "read-export" // a file
	Write      Action = "write"       // about to create or change features
	Delete     Action = "delete"      // about to end features
	Erased     Action = "erase"       // about to blank fields, in history too
	Retained   Action = "retain"      // about to erase what is past its time, by the policy's rule
	Defined    Action = "define"      // about to create or alter a collection
	Failed     Action = "failed"      // the change announced before, under the same request, did not happen
	SignIn     Action = "sign-in"     // somebody signed in
	SignInFail Action = "sign-in-failed"
	SignOut    Action = "sign-out"
	SetPurpose Action = "purpose" // said why personal data is read; Purpose is the new one
	Accounts   Action = "account" // an account was made or changed; Detail says which and how
	Tokens     Action = "token"   // an API token was made or revoked
	Policies   Action = "policy"  // the policy was replaced
	Audits     Action = "audit"   // the log itself was read
	Anchored   Action = "anchor"  // a server began to keep a head of the log
)

// MaxIDs is the most feature ids and the most requests that one entry lists.
const MaxIDs = 100

// Hash is an entry's SHA-256.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes it in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Actor is who did it, as far as it is kept. Of a citizen there is the account's
// opaque id only: neither name nor contact.
type Actor struct {
	Kind       access.Kind `json:"kind"`
	Account    string      `json:"account,omitempty"`
	Name       string      `json:"name,omitempty"`
	Roles      []string    `json:"roles,omitempty"`
	Department string      `json:"department,omitempty"`
	Purpose    string      `json:"purpose,omitempty"`
	Session    string      `json:"session,omitempty"` // public id of the session or token
	Address    string      `json:"address,omitempty"` // the client's, without port
}

// ActorOf is the principal at that address.
func ActorOf(who access.Principal, address string) Actor {
	a := Actor{
		Kind: who.Kind, Account: who.ID, Name: who.Name, Roles: who.Roles, Department: who.Department,
		Purpose: who.Purpose, Session: who.Session, Address: address,
	}
	if a.Kind == "" {
		a.Kind = access.Anonymous
	}
	if a.Kind == access.Citizen {
		a.Name = ""
	}
	return a
}

// Entry is one line of the log. IDs, or Box, say which features: where a box is
// given, those of the collection that lie in it; Count says how many there were.
// Nothing in it is ever a value of a feature.
type Entry struct {
	Seq  int64     `json:"seq"`
	Time time.Time `json:"time"`
	Prev Hash      `json:"-"`
	Hash Hash      `json:"hash"`

	Action     Action   `json:"action"`
	Who        Actor    `json:"who"`
	Collection string   `json:"collection,omitempty"`
	Fields     []string `json:"fields,omitempty"` // of the classes restricted and personal; sorted
	IDs        []string `json:"ids,omitempty"`    // sorted
	Count      int64    `json:"count,omitempty"`
	Box        *geo.Box `json:"bbox,omitempty"`     // degrees
	Requests   []string `json:"requests,omitempty"` // ids of the requests, as in the server's log
	Detail     string   `json:"detail,omitempty"`   // of a change: what, and to which account or policy
}

// formatVersion is the first byte of an entry.
const formatVersion = 1

// appendBody appends the bytes that are stored and hashed.
func (e *Entry) appendBody(b []byte) []byte {
	b = append(b, formatVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.UnixMicro()))
	b = append(b, e.Prev[:]...)
	for _, s := range e.texts() {
		b = appendText(b, *s)
	}
	b = appendText(b, e.Detail)
	for _, list := range e.lists() {
		b = binary.BigEndian.AppendUint32(b, uint32(len(*list)))
		for _, s := range *list {
			b = appendText(b, s)
		}
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.Count))
	if e.Box == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	for _, v := range [4]float64{e.Box.W, e.Box.S, e.Box.E, e.Box.N} {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func (e *Entry) texts() [9]*string {
	w := &e.Who
	return [9]*string{
		(*string)(&e.Action), (*string)(&w.Kind), &w.Account, &w.Name, &w.Department,
		&w.Purpose, &w.Session, &w.Address, &e.Collection,
	}
}

func (e *Entry) lists() [4]*[]string {
	return [4]*[]string{&e.Who.Roles, &e.Fields, &e.IDs, &e.Requests}
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// errEncoding says that stored bytes are not an entry.
var errEncoding = errors.New("the stored bytes are no entry of this format")

// parse reads what appendBody wrote, and nothing else: it is the only spelling.
func parse(body []byte) (Entry, error) {
	d := decoder{b: body}
	var e Entry
	if d.byte() != formatVersion {
		return e, errEncoding
	}
	e.Seq = int64(d.uint64())
	e.Time = time.UnixMicro(int64(d.uint64())).UTC()
	copy(e.Prev[:], d.take(len(e.Prev)))
	for _, s := range e.texts() {
		*s = d.text()
	}
	e.Detail = d.text()
	for _, list := range e.lists() {
		for n := d.length(); n > 0 && !d.bad; n-- {
			*list = append(*list, d.text())
		}
	}
	e.Count = int64(d.uint64())
	switch d.byte() {
	case 0:
	case 1:
		var v [4]float64
		for i := range v {
			v[i] = math.Float64frombits(d.uint64())
		}
		e.Box = &geo.Box{W: v[0], S: v[1], E: v[2], N: v[3]}
	default:
		d.bad = true
	}
	if d.bad || len(d.b) != 0 {
		return e, errEncoding
	}
	e.Hash = sha256.Sum256(body)
	return e, nil
}

// decoder takes values off the front of bytes; bad once there were too few.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// length reads a count of bytes or texts; there cannot be more than bytes left.
func (d *decoder) length() int {
	b := d.take(4)
	if b == nil {
		return 0
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) text() string { return string(d.take(d.length())) }

// seal gives the entry its place in the chain and returns its bytes.
func (e *Entry) seal(seq int64, at time.Time, prev Hash) []byte {
	e.Seq, e.Time, e.Prev = seq, at.UTC(), prev
	body := e.appendBody(nil)
	e.Hash = sha256.Sum256(body)
	return body
}

// tidy sorts the lists, so that equal facts have equal bytes.
func (e *Entry) tidy() {
	for _, list := range []*[]string{&e.Fields, &e.IDs} {
		if !slices.IsSorted(*list) {
			*list = slices.Sorted(slices.Values(*list))
		}
		*list = slices.Compact(*list)
	}
}

// absorb takes o into e, if one entry can say what both do: the same actor and
// action, the same collection and fields, lists that stay within MaxIDs, and boxes
// that together cover little more than each.
func (e *Entry) absorb(o *Entry) bool {
	if e.Action != o.Action || e.Collection != o.Collection || e.Detail != o.Detail || !mergeable(e.Action) ||
		!e.Who.equal(&o.Who) || !slices.Equal(e.Fields, o.Fields) || len(e.Requests)+len(o.Requests) > MaxIDs ||
		(e.Box == nil) != (o.Box == nil) {
		return false
	}
	ids := slices.Concat(e.IDs, o.IDs)
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) > MaxIDs {
		return false
	}
	if e.Box != nil {
		union := e.Box.Union(*o.Box)
		if area(union) > 2*(area(*e.Box)+area(*o.Box)) {
			return false
		}
		e.Box = &union
	}
	e.IDs, e.Count = ids, e.Count+o.Count
	e.Requests = append(slices.Clip(e.Requests), o.Requests...)
	return true
}

// mergeable reports whether entries of this action may be told as one: reads.
func mergeable(a Action) bool { return a == Read || a == ReadTile || a == Search }

func area(b geo.Box) float64 { return (b.E - b.W) * (b.N - b.S) }

func (a *Actor) equal(o *Actor) bool {
	return a.Kind == o.Kind && a.Account == o.Account && a.Name == o.Name && a.Department == o.Department &&
		a.Purpose == o.Purpose && a.Session == o.Session && a.Address == o.Address && slices.Equal(a.Roles, o.Roles)
}
