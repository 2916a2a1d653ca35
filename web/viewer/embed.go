// Package viewer embeds the built web viewer, so that one binary serves the map.
package viewer

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS is the built viewer rooted at its index.html: index.html, assets/ (names
// carry a hash of their content, so they never change), styles/ (MapLibre
// styles with {base} where the public origin belongs). Before `npm run build`
// it holds nothing but .gitkeep.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// "dist" is a valid path and embedded above: it cannot fail.
		panic(err)
	}
	return sub
}
