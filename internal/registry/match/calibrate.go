package match

import (
	"math"

	"nagar/internal/registry/address"
)

// Calibrate estimates the weights from records whose structures are not known: by
// expectation and maximisation (Dempster, Laird, Rubin 1977), in which each round
// matches all records with the weights so far, and counts how often each level comes
// with what is believed to belong together. What comes by chance is counted on pairs
// of records and structures drawn by number. The thresholds stay as they are.
func (r *Register) Calibrate(records []Record, rounds int) Weights {
	start := r.weights
	defer func() { r.weights = start }()
	u := r.byChance(records)
	for range rounds {
		w := r.round(records)
		w.U = u
		r.weights = w
	}
	return r.weights
}

// byChance counts levels in pairs that have nothing to do with each other.
func (r *Register) byChance(records []Record) (u [address.NumFeatures][address.NumLevels]float64) {
	for f := range u {
		u[f] = [address.NumLevels]float64{0, .05, .05, .05, 1} // as if some had been seen of each
	}
	if len(r.rows) == 0 {
		return normalised(u)
	}
	for i := range records {
		for _, text := range records[i].Addresses {
			a := r.parser.Parse(text)
			for k := range 10 {
				levels := address.Compare(&a, &r.rows[(i*7919+k*104_729)%len(r.rows)].addr)
				for f, l := range levels {
					u[f][l]++
				}
			}
		}
	}
	return normalised(u)
}

// round is one round of the estimation: what a belief in the current weights counts.
func (r *Register) round(records []Record) Weights {
	w := r.weights
	var m [address.NumFeatures][address.NumLevels]float64
	for f := range m {
		m[f] = [address.NumLevels]float64{0, 3, 1, .5, .5}
	}
	place := [numPlaces]float64{0, 1, .5, .5, .3, .2, .2}
	found, right, given := 1.0, 3.0, 3.1
	x := r.NewMatcher()
	for i := range records {
		x.candidates(&records[i])
		x.judge()
		for k := range x.pool {
			c := &x.pool[k]
			found += c.share
			if c.addr >= 0 {
				for f, l := range c.levels {
					m[f][l] += c.share
				}
			}
			place[c.place] += c.share
			if len(records[i].Aliases) > 0 {
				given += c.share
				if c.alias {
					right += c.share
				}
			}
		}
	}
	for f := range m { // no part is always right, whatever these records say
		sum := 0.0
		for _, n := range m[f] {
			sum += n
		}
		sum -= m[f][address.Missing]
		m[f][address.Some], m[f][address.Differ] = max(m[f][address.Some], .01*sum), max(m[f][address.Differ], .01*sum)
	}
	w.M = normalised(m)
	place[placeMissing] = 0
	sum := 0.0
	for _, p := range place {
		sum += p
	}
	for l := range place {
		w.Place[l] = certain(place[l] / sum)
	}
	w.Place[placeMissing] = 0
	w.Alias = certain(right / given)
	w.Covered = min(.98, max(.3, found/float64(len(records)+2)))
	return w
}

// normalised makes probabilities of counts, Missing left out.
func normalised(n [address.NumFeatures][address.NumLevels]float64) [address.NumFeatures][address.NumLevels]float64 {
	for f := range n {
		n[f][address.Missing] = 0
		sum := 0.0
		for _, x := range n[f] {
			sum += x
		}
		for l := address.Agree; l < address.NumLevels; l++ {
			n[f][l] = certain(n[f][l] / sum)
		}
	}
	return n
}

// certain keeps a probability from 0 and 1, and to the digits that a file shows.
func certain(p float64) float64 {
	return min(.9999, max(.0001, math.Round(p*1e4)/1e4))
}
