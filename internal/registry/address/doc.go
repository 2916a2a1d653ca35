// Package address reads the addresses that departments write (flat, wing, floor,
// building, plot, CTS number, road, landmark, locality, PIN, in any order, Latin or
// Devanagari, misspelt, broken over lines, cut at a field's width) into parts, and
// compares two addresses part by part.
//
// The words of a city come from its profile ([city.Address]); the code knows only
// what roles words play. A Parser is safe for concurrent use. Nothing is ever
// refused: what is not understood stays as loose words.
package address

// Part says where in an address a word stood.
type Part uint8

// The parts that words have. Numbers have fields of their own in Address.
const (
	Loose    Part = iota // not understood
	Name                 // of a building or society
	Road                 // of a road, street, lane
	Landmark             // of what is near, opposite, behind
	Area                 // locality, nagar, village
)

var partNames = [...]string{"loose", "name", "road", "landmark", "area"}

func (p Part) String() string { return partNames[p] }

// Word is one word of a name.
type Word struct {
	Text     string // folded: plain Latin lower case
	Skeleton string // what its spellings have in common (spelling.Skeleton); Text where that is empty
	Weak     bool   // says little by itself: Apartments, Shri, a locality within a name
	Open     bool   // perhaps cut off: the last word of the text

	house bool // a kind of building
}

// Phrase is a name as written in one go.
type Phrase struct {
	Part  Part
	Words []Word
}

// Address is an address taken apart. Numbers are in canonical form: lower case, no
// space, hyphen only between digits ("b21", "67-73"). Lists have no doubles and are
// in the order of the text.
type Address struct {
	Unit    string   // flat, shop, office
	Floor   string   // "6"; "0" for the ground floor
	Wings   []string // "a", "b"
	House   string   // number on its road
	Numbers []string // of the building within its complex: "16", "f2"
	Plots   []string // "h51"
	Parcels []string // CTS numbers, subdivision after a slash: "574/1"
	Surveys []string // survey numbers
	PIN     string   // whole postcode, without spaces
	Side    string   // canonical word of the side of the locality: "west"
	Phrases []Phrase // names, roads, areas, landmarks, loose words, in the order of the text
}

// Empty reports whether nothing at all was read.
func (a *Address) Empty() bool {
	return len(a.Phrases) == 0 && !a.numbered() && a.PIN == "" && a.Side == ""
}

func (a *Address) numbered() bool {
	return a.Unit != "" || a.Floor != "" || a.House != "" || len(a.Wings)+len(a.Numbers)+len(a.Plots)+len(a.Parcels)+len(a.Surveys) > 0
}
