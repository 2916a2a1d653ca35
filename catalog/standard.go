package catalog

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

//go:embed standard.json
var standardJSON []byte

// Standard returns the descriptions of the collections that every Nagar starts
// with: wards, buildings, facilities and the others of the public surface, with
// titles and meanings in English, Marathi and Hindi. They are in drawing order:
// land and water first. Each call returns its own copy, which the caller may change
// (source and licence, say) before defining it in a store.
func Standard() []Collection {
	d := json.NewDecoder(bytes.NewReader(standardJSON))
	d.DisallowUnknownFields()
	var cs []Collection
	if err := d.Decode(&cs); err != nil {
		panic(fmt.Sprintf("catalog: embedded standard.json: %v", err)) // a build's own file: its test reads it
	}
	return cs
}

var standardNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, c := range Standard() {
		names[c.Name] = true
	}
	return names
})

// IsStandard reports whether a collection of that name is one of Standard, at the
// cost of a look-up.
func IsStandard(name string) bool { return standardNames()[name] }

// StandardCollection returns the standard description of that name.
func StandardCollection(name string) (Collection, bool) {
	for _, c := range Standard() {
		if c.Name == name {
			return c, true
		}
	}
	return Collection{}, false
}
