// Package pluscode reads and writes Plus Codes: places as ten or more characters of
// a grid over the whole world (Open Location Code Specification, version 1.0). Ten
// characters name a cell of an eight-thousandth of a degree, some 14 m; each one
// more divides it into 4 columns and 5 rows.
package pluscode

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"nagar/geo"
)

// alphabet holds the digits by value: base 20.
const alphabet = "23456789CFGHJMPQRVWX"

const (
	base      = 20
	pairs     = 10 // digits in pairs of latitude and longitude; those after them are of the small grid
	most      = 15 // digits that count
	separator = 8  // the digits before the plus sign
	columns   = 4
	rows      = 5

	// Parts of a degree that a code of 15 digits tells apart.
	latParts = 8000 * rows * rows * rows * rows * rows
	lonParts = 8000 * columns * columns * columns * columns * columns
)

// The kinds of code.
const (
	None  = iota // it is no Plus Code
	Short        // its first digits are left out: it needs a place nearby
	Full
)

// KindOf tells what a text is, in any case.
func KindOf(code string) int {
	plus := strings.IndexByte(code, '+')
	if plus < 0 || plus > separator || plus%2 == 1 || len(code) > 64 {
		return None
	}
	before, after := code[:plus], code[plus+1:]
	if len(after) == 1 || plus == 0 && after == "" || digits(after) < 0 {
		return None
	}
	if cut := strings.IndexByte(before, '0'); cut >= 0 { // padded: a larger cell
		if plus < separator || cut == 0 || cut%2 == 1 || after != "" || strings.Trim(before[cut:], "0") != "" {
			return None
		}
		before = before[:cut]
	}
	switch n := digits(before); {
	case n < 0:
		return None
	case plus < separator:
		return Short
	case value(before[0])*base >= 180, value(before[1])*base >= 360: // beyond the pole, or round the world
		return None
	}
	return Full
}

// digits counts the digits of s; −1 when there is anything else.
func digits(s string) int {
	for i := range len(s) {
		if value(s[i]) < 0 {
			return -1
		}
	}
	return len(s)
}

func value(c byte) int {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return strings.IndexByte(alphabet, c)
}

// Encode returns the code of the cell that a position in degrees lies in, of that
// many digits: 2 to 10 (an even number) or up to 15. Latitudes are clipped to the
// poles, longitudes wrap.
func Encode(lon, lat float64, length int) string {
	y := int64(math.Floor(min(max(lat, -90), 90)*latParts)) + 90*latParts
	x := int64(math.Floor(math.Mod(lon, 360)*lonParts)) + 180*lonParts
	return encode(x, y, length)
}

// encode is Encode for whole parts of a degree, from the antimeridian and the south
// pole.
func encode(x, y int64, length int) string {
	x = (x%(360*lonParts) + 360*lonParts) % (360 * lonParts)
	y = min(max(y, 0), 180*latParts-1) // the pole belongs to the last cell
	length = min(max(length, 2), most)
	if length < pairs {
		length += length % 2
	}
	var d [most]byte
	for i := most - 1; i >= pairs; i-- {
		d[i] = alphabet[y%rows*columns+x%columns]
		x, y = x/columns, y/rows
	}
	for i := pairs - 2; i >= 0; i -= 2 {
		d[i], d[i+1] = alphabet[y%base], alphabet[x%base]
		x, y = x/base, y/base
	}
	if length < separator {
		return string(d[:length]) + strings.Repeat("0", separator-length) + "+"
	}
	return string(d[:separator]) + "+" + string(d[separator:length])
}

var errKind = errors.New("it is no Plus Code, such as 7JFJ2VXF+9M")

// Decode returns the cell of a full code, degrees. Digits after the fifteenth do not
// count.
func Decode(code string) (geo.Box, error) {
	x, y, n, err := parse(code)
	if err != nil {
		return geo.Box{}, err
	}
	width, height := int64(lonParts), int64(latParts)
	for i := 0; i < min(n, pairs); i += 2 {
		if i == 0 {
			width, height = base*lonParts, base*latParts
			continue
		}
		width, height = width/base, height/base
	}
	for range max(n-pairs, 0) {
		width, height = width/columns, height/rows
	}
	return geo.Box{
		W: float64(x)/lonParts - 180, S: float64(y)/latParts - 90,
		E: float64(x+width)/lonParts - 180, N: float64(y+height)/latParts - 90,
	}, nil
}

// parse returns the south-western corner of a full code in parts of a degree, and
// the number of its digits.
func parse(code string) (x, y int64, n int, err error) {
	if KindOf(code) != Full {
		return 0, 0, 0, fmt.Errorf("%q: %w", clip(code), errKind)
	}
	s := strings.NewReplacer("+", "", "0", "").Replace(code)
	n = min(len(s), most)
	width, height := int64(base*base*lonParts), int64(base*base*latParts)
	for i := 0; i < n; {
		if i < pairs {
			width, height = width/base, height/base
			y += int64(value(s[i])) * height
			x += int64(value(s[i+1])) * width
			i += 2
			continue
		}
		width, height = width/columns, height/rows
		v := int64(value(s[i]))
		x, y = x+v%columns*width, y+v/columns*height
		i++
	}
	return x, y, n, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Recover returns the full code that a short one means near a position in degrees;
// a full one as it is, in capitals.
func Recover(code string, lon, lat float64) (string, error) {
	kind := KindOf(code)
	code = strings.ToUpper(code)
	switch kind {
	case None:
		return "", fmt.Errorf("%q: %w", clip(code), errKind)
	case Full:
		return code, nil
	}
	lat = min(max(lat, -90), 90)
	lon = math.Mod(math.Mod(lon+180, 360)+360, 360) - 180
	missing := separator - strings.IndexByte(code, '+')
	size := math.Pow(base, float64(2-missing/2)) // of the cell that the missing digits name, degrees
	full := Encode(lon, lat, pairs)[:missing] + code
	_, _, n, err := parse(full)
	if err != nil {
		return "", err
	}
	box, err := Decode(full)
	if err != nil {
		return "", err
	}
	x, y := (box.W+box.E)/2, (box.S+box.N)/2
	switch {
	case y > lat+size/2 && y-size >= -90:
		y -= size
	case y < lat-size/2 && y+size <= 90:
		y += size
	}
	switch {
	case x > lon+size/2:
		x -= size
	case x < lon-size/2:
		x += size
	}
	return Encode(x, y, n), nil
}

// Shorten leaves out as many of a full code's first digits (4, 6 or 8) as can be
// recovered near a position in degrees, with room to spare; none where it is far.
func Shorten(code string, lon, lat float64) (string, error) {
	box, err := Decode(code)
	if err != nil {
		return "", err
	}
	if strings.Contains(code, "0") {
		return "", fmt.Errorf("%q is a padded code, which is not shortened", clip(code))
	}
	code = strings.ToUpper(code)
	far := max(math.Abs((box.S+box.N)/2-lat), math.Abs((box.W+box.E)/2-lon))
	for cut := separator; cut >= 4; cut -= 2 {
		// Half of the cell would do for this position; 0.3 leaves it to others near by.
		if far < 0.3*math.Pow(base, float64(2-cut/2)) {
			return code[cut:], nil
		}
	}
	return code, nil
}
