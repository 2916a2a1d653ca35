// Package city holds the city profile: the one file with all that is a city's
// own (bounds, languages, wards and how people write them, air-quality and rain
// classes, address words), so that another city runs without a change of code.
package city

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	_ "time/tzdata" // profiles name zones; a static binary may run where none are installed

	"nagar/geo"
)

//go:embed mumbai.json
var embedded []byte

// Words is a text in several languages by BCP 47 code. It has the underlying
// type of catalog.Words, so that one converts to the other.
type Words map[string]string

// Ward is one administrative ward.
type Ward struct {
	Name    string   `json:"name"`              // as the city writes it, such as F/N
	Title   Words    `json:"title,omitempty"`   // its name in other scripts, such as एफ/उत्तर
	Place   Words    `json:"place"`             // the neighbourhood it is known by
	Aliases []string `json:"aliases,omitempty"` // spellings that the general rule does not give
	// Population is the ward's census population; 0 when the profile has none.
	Population int `json:"population,omitempty"`
}

// Class is one class of a measured quantity. A value belongs to the last class
// whose From it reaches.
type Class struct {
	Code   string  `json:"code"`
	Title  Words   `json:"title"`
	From   float64 `json:"from"`   // lower bound, included
	Colour string  `json:"colour"` // #RRGGBB
}

// Scale is a quantity's classes in ascending order, with the unit of From (UCUM)
// and the publication the scale is from.
type Scale struct {
	Unit    string  `json:"unit"`
	Source  string  `json:"source"`
	Classes []Class `json:"classes"`
}

// Of returns the class of the value; false below the first class, and for NaN.
func (s *Scale) Of(v float64) (Class, bool) {
	for i := len(s.Classes) - 1; i >= 0; i-- {
		if v >= s.Classes[i].From {
			return s.Classes[i], true
		}
	}
	return Class{}, false
}

// WardWords are the words that the ward rule needs; see Profile.Ward.
type WardWords struct {
	// Fillers are words to skip: ward, office, ...
	Fillers []string `json:"fillers"`
	// First are spellings of a name's first part: "F": ["एफ"].
	First map[string][]string `json:"first"`
	// Rest are spellings of a name's later parts: "N": ["north", "उत्तर"].
	Rest map[string][]string `json:"rest"`
}

// Address holds the words that addresses of this city are written with.
type Address struct {
	City     Words  `json:"city"`
	Postcode string `json:"postcode"` // regular expression of a whole postcode
	// FictitiousPhone is a pattern for telephone numbers that no one has, # for a digit.
	FictitiousPhone string              `json:"fictitious_phone,omitempty"`
	Words           map[string][]string `json:"words"` // canonical word → the ways it is written, lower case
	// PostcodeStem is what a shortened postcode leaves out: 400, where "Mumbai 53" means 400053.
	PostcodeStem string `json:"postcode_stem,omitempty"`
	// Roles say what canonical words do in an address: role (see AddressRoles) → words.
	Roles map[string][]string `json:"roles,omitempty"`
	// Localities are the neighbourhoods that addresses name → further ways of writing them.
	Localities map[string][]string `json:"localities,omitempty"`
}

// AddressRoles are the roles that a word may have in an address. What follows or
// precedes it, in brackets: a unit, wing, floor or building (its number), a society
// or house (its name: "Ganesh Apartments"), a dwelling ("House Kaveri"), a plot, a
// parcel of the cadastre, a survey (its numbers), a road or area (its name), near
// (a landmark), a side of a locality (east), a title (Shri), the city itself, the
// word number, and noise.
var AddressRoles = []string{
	"unit", "wing", "floor", "building", "society", "house", "dwelling", "plot", "parcel", "survey",
	"road", "near", "area", "side", "title", "city", "number", "noise",
}

// Profile is all that is one city's own. It is read-only after Load and safe for
// concurrent use.
type Profile struct {
	Name      string     // lower-case identifier, such as mumbai
	Title     Words      // the city's name
	Bounds    geo.Box    // generous box around the city, lon lat degrees
	Center    [2]float64 // lon, lat of the first view
	Zoom      float64    // zoom of the first view
	Languages []string   // BCP 47 codes, the default first
	TimeZone  string     // IANA name
	CRS       string     // the projected CRS that local data usually comes in, such as EPSG:32643
	Wards     []Ward
	WardWords WardWords
	AirIndex  Scale // air-quality index
	Rain      Scale // rain in 24 hours
	Address   Address
	Upkeep    Upkeep
	Base      string // file name, beside the profile, of the base map that the demonstration city is grown on; "" for none

	wardKeys map[string]string // normalised spelling → ward name
	fillers  map[string]bool
	dir      string // folder of the profile; "" for the embedded one
}

// profileJSON is the file's form of Profile.
type profileJSON struct {
	Name      string     `json:"name"`
	Title     Words      `json:"title"`
	Bounds    [4]float64 `json:"bounds"` // west, south, east, north
	Center    [2]float64 `json:"center"`
	Zoom      float64    `json:"zoom"`
	Languages []string   `json:"languages"`
	TimeZone  string     `json:"time_zone"`
	CRS       string     `json:"crs,omitempty"`
	Wards     []Ward     `json:"wards"`
	WardWords WardWords  `json:"ward_words"`
	AirIndex  Scale      `json:"air_index"`
	Rain      Scale      `json:"rain"`
	Address   Address    `json:"address"`
	Upkeep    Upkeep     `json:"upkeep,omitzero"`
	Base      string     `json:"base,omitempty"`
}

// Upkeep says how often things are looked after in this city, months.
type Upkeep struct {
	// InspectionMonths is the time between two inspections, by kind of asset or network;
	// "" is for the other kinds, and 0 means never.
	InspectionMonths map[string]int `json:"inspection_months,omitempty"`
	// SurveyMonths is for how long a survey is good, by its subject.
	SurveyMonths map[string]int `json:"survey_months,omitempty"`
}

// MarshalJSON writes the profile as its file has it.
func (p *Profile) MarshalJSON() ([]byte, error) {
	b := p.Bounds
	return json.Marshal(profileJSON{
		p.Name, p.Title, [4]float64{b.W, b.S, b.E, b.N}, p.Center, p.Zoom, p.Languages,
		p.TimeZone, p.CRS, p.Wards, p.WardWords, p.AirIndex, p.Rain, p.Address, p.Upkeep, p.Base,
	})
}

// Load reads a city profile and checks it; path "" is the embedded Mumbai. The
// error names the file and the place in it.
func Load(path string) (*Profile, error) {
	if path == "" {
		p, err := Parse(embedded)
		if err != nil {
			return nil, fmt.Errorf("embedded city profile: %w", err)
		}
		return p, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("city profile: %w", err)
	}
	p, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("city profile %s: %w", path, err)
	}
	p.dir = dirOf(path)
	return p, nil
}

// Parse reads a city profile from its JSON and checks it. Unknown members are
// errors: they are mostly misspelt ones.
func Parse(b []byte) (*Profile, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	var j profileJSON
	if err := d.Decode(&j); err != nil {
		var syn *json.SyntaxError
		if errors.As(err, &syn) {
			return nil, fmt.Errorf("offset %d: %w", syn.Offset, err)
		}
		return nil, err
	}
	p := &Profile{
		Name: j.Name, Title: j.Title,
		Bounds: geo.Box{W: j.Bounds[0], S: j.Bounds[1], E: j.Bounds[2], N: j.Bounds[3]},
		Center: j.Center, Zoom: j.Zoom, Languages: j.Languages, TimeZone: j.TimeZone, CRS: j.CRS,
		Wards: j.Wards, WardWords: j.WardWords, AirIndex: j.AirIndex, Rain: j.Rain, Address: j.Address, Upkeep: j.Upkeep, Base: j.Base,
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	if err := p.buildWardKeys(); err != nil {
		return nil, err
	}
	return p, nil
}

var (
	nameRule   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,47}$`)
	colourRule = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
	crsRule    = regexp.MustCompile(`^EPSG:[1-9][0-9]{3,5}$`)
)
