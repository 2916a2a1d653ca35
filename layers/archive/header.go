package archive

import (
	"encoding/binary"
	"errors"
	"fmt"

	"nagar/geo"
)

// Compression says how tiles or directories are packed (spec section 3.5).
type Compression uint8

// The compressions.
const (
	UnknownCompression Compression = iota
	Plain
	Gzip
	Brotli
	Zstd
)

// TileType is the format of the tiles (spec section 3.6).
type TileType uint8

// The tile types.
const (
	UnknownTile TileType = iota
	MVT
	PNG
	JPEG
	WebP
	AVIF
)

// Extension is how addresses of such tiles end, without the dot; "" when unknown.
func (t TileType) Extension() string {
	if t > AVIF {
		return ""
	}
	return [...]string{"", "mvt", "png", "jpg", "webp", "avif"}[t]
}

const (
	headerSize = 127
	rootEnd    = 16384 // header and root directory lie before this
	magic      = "PMTiles\x03"
)

// section is a run of bytes of the file.
type section struct{ offset, length uint64 }

func (s section) within(size int64) bool {
	end := s.offset + s.length
	return end >= s.offset && end <= uint64(size)
}

// Header describes an archive (spec section 3).
type Header struct {
	root, metadata, leaves, tiles section

	// Tiles that have an address, entries in the directories, different contents; 0: unknown.
	Addressed, Entries, Contents uint64

	Clustered        bool
	internal         Compression // of directories and metadata
	TileCompression  Compression
	TileType         TileType
	MinZoom, MaxZoom uint32
	Bounds           geo.Box    // degrees
	Center           [3]float64 // lon, lat, zoom
}

func (h *Header) append(b []byte) []byte {
	b = append(b, magic...)
	for _, s := range [4]section{h.root, h.metadata, h.leaves, h.tiles} {
		b = binary.LittleEndian.AppendUint64(b, s.offset)
		b = binary.LittleEndian.AppendUint64(b, s.length)
	}
	for _, n := range [3]uint64{h.Addressed, h.Entries, h.Contents} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	clustered := byte(0)
	if h.Clustered {
		clustered = 1
	}
	b = append(b, clustered, byte(h.internal), byte(h.TileCompression), byte(h.TileType), byte(h.MinZoom), byte(h.MaxZoom))
	for _, v := range [4]float64{h.Bounds.W, h.Bounds.S, h.Bounds.E, h.Bounds.N} {
		b = binary.LittleEndian.AppendUint32(b, uint32(e7(v)))
	}
	b = append(b, byte(h.Center[2]))
	b = binary.LittleEndian.AppendUint32(b, uint32(e7(h.Center[0])))
	return binary.LittleEndian.AppendUint32(b, uint32(e7(h.Center[1])))
}

// e7 is a number of degrees in units of 1e-7 degrees.
func e7(v float64) int32 {
	if v < 0 {
		return int32(v*1e7 - 0.5)
	}
	return int32(v*1e7 + 0.5)
}

// parseHeader reads and checks the header of a file of size bytes.
func parseHeader(b []byte, size int64) (*Header, error) {
	if len(b) < headerSize || string(b[:7]) != magic[:7] {
		return nil, errors.New("not a PMTiles archive")
	}
	if b[7] != magic[7] {
		return nil, fmt.Errorf("PMTiles version %d: want 3", b[7])
	}
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	degrees := func(at int) float64 { return float64(int32(binary.LittleEndian.Uint32(b[at:]))) / 1e7 }
	h := &Header{
		root: section{word(8), word(16)}, metadata: section{word(24), word(32)},
		leaves: section{word(40), word(48)}, tiles: section{word(56), word(64)},
		Addressed: word(72), Entries: word(80), Contents: word(88),
		Clustered: b[96] == 1, internal: Compression(b[97]), TileCompression: Compression(b[98]), TileType: TileType(b[99]),
		MinZoom: uint32(b[100]), MaxZoom: uint32(b[101]),
		Bounds: geo.Box{W: degrees(102), S: degrees(106), E: degrees(110), N: degrees(114)},
		Center: [3]float64{degrees(119), degrees(123), float64(b[118])},
	}
	return h, h.check(size)
}

func (h *Header) check(size int64) error {
	for _, s := range []struct {
		name string
		section
	}{{"root directory", h.root}, {"metadata", h.metadata}, {"leaf directories", h.leaves}, {"tile data", h.tiles}} {
		if !s.within(size) {
			return fmt.Errorf("the %s would end at byte %d + %d, the file has %d: it is cut short or broken", s.name, s.offset, s.length, size)
		}
	}
	switch {
	case h.root.length == 0 || h.root.offset < headerSize:
		return errors.New("it has no root directory")
	case h.internal != Plain && h.internal != Gzip:
		return fmt.Errorf("its directories have compression %d: want none or gzip", h.internal)
	case h.TileType.Extension() == "":
		return fmt.Errorf("its tiles are of the unknown type %d", h.TileType)
	case h.TileCompression > Zstd:
		return fmt.Errorf("its tiles have the unknown compression %d", h.TileCompression)
	case h.TileCompression == UnknownCompression && h.TileType == MVT:
		return errors.New("it does not say how its vector tiles are compressed")
	case h.MinZoom > h.MaxZoom || h.MaxZoom > maxZoom:
		return fmt.Errorf("zooms %d to %d: want 0 to %d", h.MinZoom, h.MaxZoom, maxZoom)
	case h.Bounds.IsEmpty() || !geo.World().ContainsBox(h.Bounds):
		return fmt.Errorf("its bounds %v are not on earth", h.Bounds)
	}
	return nil
}
