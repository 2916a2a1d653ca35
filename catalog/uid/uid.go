// Package uid is the arithmetic of structure UIDs: ten characters of Crockford
// base 32, nine random and one check character over GF(32), written XXXXX-XXXXX.
//
// With the characters' values v0…v9 as elements of GF(32) (polynomial x⁵+x²+1,
// α = 2) a UID is valid when Σ αⁱ·vᵢ = 0. As the powers of α are distinct and not
// zero, every single wrong character and every swap of two different ones fails.
package uid

import (
	"crypto/rand"
	"encoding/binary"
)

// Alphabet holds the characters by value: Crockford base 32.
const Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// UID is a valid structure UID: the ten values, five bits each, the first in the
// highest. The zero UID is reserved: it is well formed, and never given to a structure.
type UID uint64

// poly is x⁵+x²+1; multiplying by α is a shift, reduced by it.
const poly = 0b100101

// exp[i] is αⁱ, for i up to 2·31 so that sums of logarithms need no modulus;
// log is its inverse (log[0] is not used).
var exp, log = tables()

func tables() (exp [62]byte, log [32]byte) {
	x := 1
	for i := range 31 {
		exp[i], exp[i+31] = byte(x), byte(x)
		log[x] = byte(i)
		if x <<= 1; x&32 != 0 {
			x ^= poly
		}
	}
	return exp, log
}

// scale is αⁱ·v, for 0 ≤ i ≤ 31.
func scale(i int, v byte) byte {
	if v == 0 {
		return 0
	}
	return exp[i+int(log[v])]
}

func syndrome(v []byte) byte {
	var s byte
	for i, x := range v {
		s ^= scale(i, x)
	}
	return s
}

// Check returns the tenth value for nine values (the low five bits of each).
func Check(v [9]byte) byte {
	for i := range v {
		v[i] &= 31
	}
	return scale(31-9, syndrome(v[:])) // division by α⁹; α³¹ = 1
}

// New returns the UID with these nine values (the low five bits of each) and
// their check value.
func New(v [9]byte) UID {
	var u UID
	for _, x := range v {
		u = u<<5 | UID(x&31)
	}
	return u<<5 | UID(Check(v))
}

// FromBits returns the UID whose nine values are the low 45 bits of n, the first
// value highest.
func FromBits(n uint64) UID {
	var v [9]byte
	for i := range v {
		v[i] = byte(n>>(5*(8-i))) & 31
	}
	return New(v)
}

// Random returns a random UID, never the reserved one.
func Random() UID {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // documented never to fail: it ends the program instead
		if u := FromBits(binary.LittleEndian.Uint64(b[:])); u != 0 {
			return u
		}
	}
}

// Values are the ten values.
func (u UID) Values() (v [10]byte) {
	for i := range v {
		v[i] = byte(u>>(5*(9-i))) & 31
	}
	return v
}

// Reserved reports whether it is 00000-00000, which no structure has.
func (u UID) Reserved() bool { return u == 0 }

// String writes the UID as XXXXX-XXXXX.
func (u UID) String() string {
	var b [11]byte
	for i, x := range u.Values() {
		at := i
		if i >= 5 {
			at++
		}
		b[at] = Alphabet[x]
	}
	b[5] = '-'
	return string(b[:])
}

// MarshalText writes the UID as XXXXX-XXXXX.
func (u UID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText is Parse.
func (u *UID) UnmarshalText(b []byte) error {
	x, err := Parse(string(b))
	if err != nil {
		return err
	}
	*u = x
	return nil
}
