package city

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed *-base.geojson
var bases embed.FS

// ErrNoBase says that the profile names no base map.
var ErrNoBase = errors.New("the city profile names no base map")

// BaseMap returns the GeoJSON that the profile's base names: outline, wards,
// water, greens, main roads, railways and districts, drawn by hand at about a
// kilometre's detail, on which the demonstration city is grown. It lies beside
// the profile; the embedded profile's is embedded too.
func (p *Profile) BaseMap() ([]byte, error) {
	if p.Base == "" {
		return nil, ErrNoBase
	}
	if p.dir == "" {
		b, err := bases.ReadFile(p.Base)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("base map %s is not embedded", p.Base)
		}
		return b, err
	}
	b, err := os.ReadFile(filepath.Join(p.dir, p.Base))
	if err != nil {
		return nil, fmt.Errorf("base map: %w", err)
	}
	return b, nil
}
