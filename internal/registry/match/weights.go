package match

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"

	"nagar/internal/registry/address"
)

// The weights follow Fellegi and Sunter (A Theory for Record Linkage, 1969): each
// feature at each level has a probability m among pairs that belong together and u
// among pairs that do not; its weight of evidence is log2(m/u). Where a part agrees,
// u is how frequent that very name, road, number or PIN is in the register (Winkler,
// 2006). Missing parts weigh nothing.

// Place levels: how far a record's point is from the footprint.
const (
	placeMissing = iota
	placeInside
	placeTouching // within 5 m
	placeBeside   // 15 m
	placeNear     // 40 m
	placeAround   // 120 m
	placeElsewhere
	numPlaces
)

var (
	placeNames = [numPlaces]string{"missing", "inside", "within 5 m", "within 15 m", "within 40 m", "within 120 m", "elsewhere"}
	placeReach = [numPlaces]float64{0, 0, 5, 15, 40, 120, math.Inf(1)}
	// placeCrowd is about how many structures of a dense city are as near as that.
	placeCrowd = [numPlaces]float64{0, 1, 1.6, 4, 16, 120, 0}
)

// Weights are what a calibration found.
type Weights struct {
	// M and U are the probabilities of each level of each feature (address.Feature),
	// but for Missing, in pairs that belong together and pairs that do not.
	M [address.NumFeatures][address.NumLevels]float64 `json:"m"`
	U [address.NumFeatures][address.NumLevels]float64 `json:"u"`
	// Place are the probabilities of the place levels in pairs that belong together.
	Place [numPlaces]float64 `json:"place"`
	// Alias is the probability that a number which records give is right.
	Alias float64 `json:"alias"`
	// Covered is the share of records whose structure is in the register.
	Covered float64 `json:"covered"`
	// Sure and Doubtful are the probabilities from which a record joins, and from
	// which somebody looks at it.
	Sure     float64 `json:"sure"`
	Doubtful float64 `json:"doubtful"`
}

//go:embed weights.json
var weightsJSON []byte

// DefaultWeights are those calibrated on the demonstration city's records, whose
// truth is known (internal/app, TestQuality).
func DefaultWeights() (Weights, error) { return ParseWeights(weightsJSON) }

// ParseWeights reads weights from JSON and checks them.
func ParseWeights(b []byte) (w Weights, err error) {
	if err := json.Unmarshal(b, &w); err != nil {
		return w, fmt.Errorf("weights: %w", err)
	}
	in := func(p float64) bool { return p > 0 && p < 1 }
	for f := range address.NumFeatures {
		for l := address.Agree; l < address.NumLevels; l++ {
			if !in(w.M[f][l]) || !in(w.U[f][l]) {
				return w, fmt.Errorf("weights: %s %s: m %v, u %v: want probabilities above 0 and below 1", f, l, w.M[f][l], w.U[f][l])
			}
		}
	}
	for l := placeInside; l < numPlaces; l++ {
		if !in(w.Place[l]) {
			return w, fmt.Errorf("weights: place %s: %v", placeNames[l], w.Place[l])
		}
	}
	if !in(w.Alias) || !in(w.Covered) || !in(w.Sure) || !in(w.Doubtful) || w.Doubtful >= w.Sure {
		return w, fmt.Errorf("weights: alias %v, covered %v, sure %v, doubtful %v", w.Alias, w.Covered, w.Sure, w.Doubtful)
	}
	return w, nil
}

// bits is the weight of a level. rare is log2(1/frequency) of the structure's value,
// for where it agrees.
func (w *Weights) bits(f address.Feature, l address.Level, rare float64) float64 {
	switch {
	case l == address.Missing:
		return 0
	case f == address.ByLandmark:
		return -6 // it stands near, so it is not it
	case l == address.Agree && rare > 0:
		return math.Log2(w.M[f][l]) + rare
	case l == address.Close && rare > 0: // somewhat alike is that much more frequent
		return min(math.Log2(w.M[f][l]/w.U[f][l]), math.Log2(w.M[f][l])+rare)
	}
	return math.Log2(w.M[f][l] / w.U[f][l])
}

// placeBits is the weight of a distance among n structures.
func (w *Weights) placeBits(l, n int) float64 {
	switch l {
	case placeMissing:
		return 0
	case placeElsewhere:
		return math.Log2(w.Place[l])
	}
	return math.Log2(w.Place[l] * max(2, float64(n)) / placeCrowd[l])
}
