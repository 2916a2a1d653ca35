package demo

import (
	"math"
	"math/rand/v2"
)

// rng is the source of chance. Each block, facility and so on gets its own, made
// from the seed and its number, so that nothing depends on the order of work.
type rng struct{ *rand.Rand }

func newRNG(seed, stream uint64) rng {
	return rng{rand.New(rand.NewPCG(mix(seed^0x9e3779b97f4a7c15), mix(stream+seed)))}
}

// mix is the finaliser of splitmix64 (Steele, Lea, Flood 2014).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func (r rng) between(a, b float64) float64 { return a + (b-a)*r.Float64() }
func (r rng) chance(p float64) bool        { return r.Float64() < p }

// around is a log-normal value with that median and spread (sigma of the logarithm).
func (r rng) around(median, spread float64) float64 {
	return median * math.Exp(r.NormFloat64()*spread)
}

// pick returns the index of a weight, by weight.
func (r rng) pick(weights []float64) int {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	x := r.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}
