package linkage

import (
	"slices"
	"strings"
	"unicode"

	"nagar/catalog"
	"nagar/internal/registry"
	"nagar/internal/registry/match"
)

// Roles are the fields of a collection by what they say of a structure. They go by
// name, case and marks aside: address, addr:housenumber and the like (also as a
// Shapefile cuts them), building, cts_number.
type Roles struct {
	Link      string     // the field that names the structure
	Proof     string     // the field that says how the link came about
	name      []string   // of the building
	addresses [][]string // each the parts of one address, in order
	numbers   map[string]string
	own       string // the department's own number of the record
}

// proofSuffix makes the name of the field that says how a link came about.
const proofSuffix = "_match"

// plain is a field's name as it is compared.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Fields that are whole addresses, the parts of one (OpenStreetMap's keys, whole and
// cut to ten characters), and names of a building. A field called name is the
// building's in the registers only: in a department's it may be anybody's.
var (
	wholeAddresses = []string{"address", "addressmr", "addresshi", "addrfull", "siteaddress", "propertyaddress", "premisesaddress", "fulladdress"}
	addressParts   = [][]string{
		{"addrhousenumber", "addrhousen"}, {"addrhousename", "addrhouse"}, {"addrstreet", "street"}, {"addrplace"},
		{"addrsuburb"}, {"addrcity"}, {"addrpostcode", "addrpostco"},
	}
	buildingNames = []string{"building", "buildingname", "bldgname", "society", "societyname"}
)

// Numbers that tell a plot or a structure, by the scheme of their aliases.
var numberFields = map[string]string{
	"cts": "cts", "ctsno": "cts", "ctsnumber": "cts", "propertytax": "property_tax", "taxaccount": "property_tax", "propertytaxno": "property_tax",
	"waterconnection": "water_connections", "connectionno": "water_connections", "permitno": "building_permits", "permit": "building_permits",
	"digipin": "digipin", "pluscode": "plus_code",
}

// ofRecords are the roles in a department's collection; nil when its rows are not to
// be matched: it has no link, nothing to match by, or is one that every city has
// (a report or a lamp near a building is not of it).
func ofRecords(c *catalog.Collection) *Roles {
	if catalog.IsStandard(c.Name) {
		return nil
	}
	r := rolesOf(c)
	if r.Link == "" || len(r.addresses)+len(r.name)+len(r.numbers) == 0 {
		return nil
	}
	return r
}

// Matched reports whether the rows of a collection are matched with structures.
func Matched(c *catalog.Collection) bool { return ofRecords(c) != nil }

func rolesOf(c *catalog.Collection) *Roles {
	r := &Roles{numbers: map[string]string{}}
	byName := map[string]string{}
	for i := range c.Fields {
		f := &c.Fields[i]
		if f.Link == registry.Structures && r.Link == "" {
			r.Link, r.Proof = f.Name, f.Name+proofSuffix
		}
		if f.Type != catalog.TypeText && f.Type != catalog.TypeInteger {
			continue
		}
		p := plain(f.Name)
		if _, twice := byName[p]; !twice {
			byName[p] = f.Name
		}
		if scheme, ok := numberFields[p]; ok {
			r.numbers[f.Name] = scheme
		}
	}
	for _, p := range wholeAddresses {
		if f, ok := byName[p]; ok {
			r.addresses = append(r.addresses, []string{f})
		}
	}
	var parts []string
	for _, names := range addressParts {
		for _, p := range names {
			if f, ok := byName[p]; ok {
				parts = append(parts, f)
				break
			}
		}
	}
	if len(parts) > 0 {
		r.addresses = append(r.addresses, parts)
	}
	for _, p := range buildingNames {
		if f, ok := byName[p]; ok {
			r.name = append(r.name, f)
		}
	}
	r.own = byName["number"]
	return r
}

func textOf(p catalog.Properties, field string) string {
	v := p.Get(field)
	if v.IsNull() {
		return ""
	}
	return strings.TrimSpace(v.String())
}

// addressesOf joins the parts of each address.
func (r *Roles) addressesOf(p catalog.Properties) (out []string) {
	for _, fields := range r.addresses {
		var parts []string
		for _, f := range fields {
			if s := textOf(p, f); s != "" {
				parts = append(parts, s)
			}
		}
		if len(parts) > 0 {
			out = append(out, strings.Join(parts, ", "))
		}
	}
	return out
}

// record is a row of a department as it is matched.
func (r *Roles) record(collection string, f *catalog.Feature) match.Record {
	rec := match.Record{ID: f.ID, Addresses: r.addressesOf(f.Props), Geometry: f.Geometry}
	for _, field := range r.name {
		if rec.Name == "" {
			rec.Name = textOf(f.Props, field)
		}
	}
	for field, scheme := range r.numbers {
		if s := textOf(f.Props, field); s != "" {
			rec.Aliases = append(rec.Aliases, match.Alias{Scheme: scheme, Value: s})
		}
	}
	if s := textOf(f.Props, r.own); r.own != "" && s != "" { // an alias may be this very record's number
		rec.Aliases = append(rec.Aliases, match.Alias{Scheme: collection, Value: s})
	}
	slices.SortFunc(rec.Aliases, func(a, b match.Alias) int { return strings.Compare(a.Scheme+"\x00"+a.Value, b.Scheme+"\x00"+b.Value) })
	return rec
}

// proofField describes the field that says how a link came about.
func (r *Roles) proofField() catalog.Field {
	return catalog.Field{
		Name: r.Proof, Type: catalog.TypeJSON, Class: catalog.ClassInternal,
		Title: catalog.Words{"en": "How it was matched", "mr": "कसे जुळवले", "hi": "मिलान कैसे हुआ"},
		Meaning: catalog.Words{
			"en": "Who or what joined the record to its structure, when, with what probability and for what reasons",
			"mr": "नोंद बांधकामाशी कोणी, केव्हा, किती संभाव्यतेने व कोणत्या कारणांनी जोडली",
			"hi": "अभिलेख को संरचना से किसने, कब, कितनी प्रायिकता से और किन कारणों से जोड़ा",
		},
	}
}
