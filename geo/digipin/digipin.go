// Package digipin reads and writes DIGIPINs, the Department of Posts' addresses for
// India: a square of 36° is divided into 4 by 4 cells ten times over, and each
// division gives one of sixteen characters (DIGIPIN Technical Document, final
// version, March 2025). Ten characters name a cell of some 3.8 m; fewer, a larger one.
//
// The arithmetic is exact: positions on a line belong to the cell east and north of
// it (section 3.4), whatever floating point would make of them.
package digipin

import (
	"fmt"
	"math"
	"strings"

	"nagar/geo"
)

// The bounding box, degrees (section 3.1).
const (
	West, South = 63.5, 2.5
	East, North = 99.5, 38.5
	span        = 36
)

// Length is the number of characters of a whole code.
const Length = 10

// side is the number of cells along one side of the box.
const side = 1 << (2 * Length)

// grid holds the characters by row from the north and column from the west (figure 2).
const grid = "FC98" + "J327" + "K456" + "LMPT"

// Encode returns the code of the cell that a position in degrees lies in, written
// XXX-XXX-XXXX; false outside the box.
func Encode(lon, lat float64) (string, bool) {
	if !(lon >= West && lon <= East && lat >= South && lat <= North) {
		return "", false
	}
	x, y := cell(lon-West), cell(lat-South)
	var b [Length + 2]byte
	at := 0
	for i := range Length {
		if i == 3 || i == 6 {
			b[at] = '-'
			at++
		}
		shift := 2 * (Length - 1 - i)
		column, row := x>>shift&3, 3-y>>shift&3
		b[at] = grid[row*4+column]
		at++
	}
	return string(b[:]), true
}

// cell is the number of the cell at a distance from the box's edge, degrees. The
// distance is exact (doubles up to 128 less one of the box's edges lose nothing), and so is it times a
// power of two; only the division rounds, which the comparison puts right.
func cell(d float64) int {
	d *= side
	n := math.Floor(d / span)
	if n*span > d {
		n--
	}
	return int(min(n, side-1)) // the last line belongs to the last cell
}

// Parse reads a code of 1 to 10 characters, in any case, with dashes and spaces
// wherever they are, and returns it in capitals without them.
func Parse(code string) (string, error) {
	b := make([]byte, 0, Length)
	for _, r := range code {
		switch {
		case r == '-' || r == ' ':
			continue
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		}
		if r > 'Z' || strings.IndexByte(grid, byte(r)) < 0 {
			return "", fmt.Errorf("%q is no DIGIPIN: %q is none of %s", clip(code), r, grid)
		}
		if len(b) == Length {
			return "", fmt.Errorf("%q is no DIGIPIN: it has more than %d characters", clip(code), Length)
		}
		b = append(b, byte(r))
	}
	if len(b) == 0 {
		return "", fmt.Errorf("%q is no DIGIPIN: it is empty", clip(code))
	}
	return string(b), nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Decode returns the cell of a code, degrees: that of a whole code is some 3.8 m
// wide, that of the first characters of one contains it. An error says what is wrong.
func Decode(code string) (geo.Box, error) {
	code, err := Parse(code)
	if err != nil {
		return geo.Box{}, err
	}
	x, y := 0, 0
	for i := range len(code) {
		at := strings.IndexByte(grid, code[i])
		x, y = x<<2|at&3, y<<2|3-at>>2
	}
	width := span / float64(int(1)<<(2*len(code))) // exact: 9 over a power of two
	return geo.Box{
		W: West + float64(x)*width, S: South + float64(y)*width,
		E: West + float64(x+1)*width, N: South + float64(y+1)*width,
	}, nil
}

// Format writes a code of ten characters as XXX-XXX-XXXX.
func Format(code string) (string, error) {
	s, err := Parse(code)
	if err != nil {
		return "", err
	}
	if len(s) != Length {
		return "", fmt.Errorf("%q is no whole DIGIPIN: it has %d characters of %d", clip(code), len(s), Length)
	}
	return s[:3] + "-" + s[3:6] + "-" + s[6:], nil
}
