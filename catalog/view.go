package catalog

// View says what a caller may see. Every read path takes one, and caches are
// keyed by it; so a new rule is compiled into a View and no path changes.
type View struct {
	key string
	max Class
}

// The two views that need no policy: what everybody sees, and everything.
var (
	Public     = View{key: "public", max: ClassPublic}
	Everything = View{key: "all", max: ClassPersonal}
)

// Key names the view's content in cache keys: equal keys see the same.
func (v View) Key() string { return v.key }

// Sees reports whether the collection exists for this caller at all.
func (v View) Sees(c *Collection) bool { return v.key != "" && c.Class <= v.max }

// SeesField reports whether the caller sees the field.
func (v View) SeesField(c *Collection, f *Field) bool { return v.Sees(c) && f.Class <= v.max }

// Rows is the CQL2 text of the row rule, "" when all rows of the collection are seen.
func (v View) Rows(*Collection) string { return "" }

// Cut returns the properties that the caller sees, in schema order, as a new slice.
func (v View) Cut(c *Collection, p Properties) Properties {
	out := make(Properties, 0, len(p))
	for i := range c.Fields {
		if f := &c.Fields[i]; v.SeesField(c, f) {
			if val := p.Get(f.Name); !val.IsNull() {
				out = append(out, Property{f.Name, val})
			}
		}
	}
	return out
}
