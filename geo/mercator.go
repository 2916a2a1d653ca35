package geo

import "math"

// The mercator grid: spherical web mercator (EPSG:3857), the square world cut
// into 2³² × 2³² cells, as int32 with 0, 0 at lon 0, lat 0, X growing east and Y
// growing south (as tiles do). One unit is 9.33 mm at the equator and cos(lat)
// times that elsewhere. A position rounds to the nearest cell corner, so it moves
// by at most half a unit on each axis; a coordinate given with seven decimals of a
// degree is recovered exactly by rounding back to seven.
const (
	// MaxLatitude is the latitude where the mercator square ends, atan(sinh(π)) in degrees.
	MaxLatitude = 85.05112877980659
	// MercatorUnit is the width of one grid unit at the equator in metres: 2π·6378137 / 2³².
	MercatorUnit = 2 * math.Pi * 6378137 / (1 << 32)

	mercUnitsPerDegree = (1 << 32) / 360.0
	mercHalf           = 1 << 31
)

// Project returns the grid position of lon, lat in degrees. Latitudes beyond
// ±MaxLatitude and longitudes beyond ±180 are moved onto the border.
func Project(lon, lat float64) (x, y int32) {
	s := math.Sin(lat * (math.Pi / 180))
	// ln((1+s)/(1-s))/2 is the isometric latitude (Snyder, Map Projections, 7-2a).
	v := math.Log((1+s)/(1-s)) * (mercHalf / (2 * math.Pi))
	return clampInt32(math.Round(lon * mercUnitsPerDegree)), clampInt32(math.Round(-v))
}

func clampInt32(v float64) int32 {
	switch {
	case v >= math.MaxInt32:
		return math.MaxInt32
	case v <= math.MinInt32:
		return math.MinInt32
	}
	return int32(v) // NaN does not occur: callers pass finite degrees
}

// Unproject returns the longitude and latitude in degrees of a grid position.
func Unproject(x, y int32) (lon, lat float64) {
	return float64(x) / mercUnitsPerDegree, LatitudeOf(float64(y))
}

// LatitudeOf returns the latitude in degrees of a grid Y.
func LatitudeOf(y float64) float64 {
	return math.Atan(math.Sinh(-y*(math.Pi/mercHalf))) * (180 / math.Pi)
}

// MercatorScale is the ground length of one grid unit at grid Y, over that at
// the equator: the cosine of the latitude.
func MercatorScale(y float64) float64 { return 1 / math.Cosh(y*(math.Pi/mercHalf)) }

// Unprojector turns many neighbouring grid positions into degrees: it keeps a
// second-order expansion of the latitude per strip of 2¹⁶ units (611 m at the
// equator), which is right to 1e-11 of a degree and ten times cheaper than
// atan(sinh(y)). The zero value is ready; it is not safe for concurrent use.
type Unprojector struct {
	strips [16]strip
}

type strip struct {
	id      int32 // index of the strip + 1<<20; 0: not filled
	a, b, c float64
}

// LonLat is Unproject.
func (u *Unprojector) LonLat(x, y int32) (lon, lat float64) {
	n := y >> 16
	s := &u.strips[n&15]
	if id := n + 1<<20; s.id != id {
		s.fill(id, (float64(n)+0.5)*(1<<16))
	}
	d := float64(y-n<<16) - (1 << 15)
	return float64(x) * (1 / mercUnitsPerDegree), s.a + d*(s.b+d*s.c)
}

// E7 is LonLat in ten-millionths of a degree, rounded to the nearest.
func (u *Unprojector) E7(x, y int32) (lon, lat int32) {
	_, l := u.LonLat(0, y)
	const up = 1 << 40 // what is cut off instead of rounded down is positive then
	return int32((int64(x)*3_600_000_000 + 1<<31) >> 32), int32(int64(l*1e7+(up+0.5)) - up)
}

// fill expands the latitude φ around grid y0. With ψ = -y·π/2³¹: dφ/dψ = cos φ,
// d²φ/dψ² = -sin φ·cos φ.
func (s *strip) fill(id int32, y0 float64) {
	const k = -math.Pi / mercHalf
	phi := math.Atan(math.Sinh(y0 * k))
	sin, cos := math.Sincos(phi)
	const deg = 180 / math.Pi
	*s = strip{id: id, a: phi * deg, b: cos * k * deg, c: -sin * cos * k * k / 2 * deg}
}

// GridBox is a rectangle on the mercator grid, borders included. Y grows south.
type GridBox struct{ MinX, MinY, MaxX, MaxY int32 }

// EmptyGridBox contains nothing, and is the neutral element of Union.
func EmptyGridBox() GridBox {
	return GridBox{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}
}

// IsEmpty reports whether the box contains no position.
func (b GridBox) IsEmpty() bool { return b.MinX > b.MaxX || b.MinY > b.MaxY }

// Extend returns the smallest box that contains b and x, y.
func (b GridBox) Extend(x, y int32) GridBox {
	return GridBox{min(b.MinX, x), min(b.MinY, y), max(b.MaxX, x), max(b.MaxY, y)}
}

// Union returns the smallest box that contains both.
func (b GridBox) Union(c GridBox) GridBox {
	return GridBox{min(b.MinX, c.MinX), min(b.MinY, c.MinY), max(b.MaxX, c.MaxX), max(b.MaxY, c.MaxY)}
}

// Intersects reports whether the boxes share a position; a shared border counts.
func (b GridBox) Intersects(c GridBox) bool {
	return b.MinX <= c.MaxX && c.MinX <= b.MaxX && b.MinY <= c.MaxY && c.MinY <= b.MaxY
}

// ContainsBox reports whether c lies wholly in b.
func (b GridBox) ContainsBox(c GridBox) bool {
	return b.MinX <= c.MinX && c.MaxX <= b.MaxX && b.MinY <= c.MinY && c.MaxY <= b.MaxY
}

// Grow returns the box with d units added on every side, kept on the grid.
func (b GridBox) Grow(d int64) GridBox {
	return GridBox{satInt32(int64(b.MinX) - d), satInt32(int64(b.MinY) - d), satInt32(int64(b.MaxX) + d), satInt32(int64(b.MaxY) + d)}
}

func satInt32(v int64) int32 {
	return int32(min(max(v, math.MinInt32), math.MaxInt32))
}

// Box returns the rectangle in degrees; EmptyBox for an empty one.
func (b GridBox) Box() Box {
	if b.IsEmpty() {
		return EmptyBox()
	}
	w, n := Unproject(b.MinX, b.MinY)
	e, s := Unproject(b.MaxX, b.MaxY)
	return Box{W: w, S: s, E: e, N: n}
}

// Outer returns the rectangle in degrees rounded outward to seven decimals, half a
// grid unit included: it contains every position that was projected into b (those
// beyond MaxLatitude, which were moved, excepted). EmptyBox for an empty one.
func (b GridBox) Outer() Box {
	if b.IsEmpty() {
		return EmptyBox()
	}
	const half, places = 0.5 / mercUnitsPerDegree, 1e7
	g := b.Box()
	return Box{
		W: max(math.Floor((g.W-half)*places)/places, -180), S: max(math.Floor((g.S-half)*places)/places, -90),
		E: min(math.Ceil((g.E+half)*places)/places, 180), N: min(math.Ceil((g.N+half)*places)/places, 90),
	}
}

// ProjectBox returns the grid rectangle of a box in degrees, its corners rounded
// as every position is; an empty one for an empty box.
func ProjectBox(b Box) GridBox {
	if b.IsEmpty() {
		return EmptyGridBox()
	}
	x0, y0 := Project(b.W, b.N)
	x1, y1 := Project(b.E, b.S)
	return GridBox{x0, y0, x1, y1}
}
