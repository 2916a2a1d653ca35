package catalog

import (
	"math"
	"testing"
)

func TestRealNegZero(t *testing.T) {
	if Real(math.Copysign(0, -1)) != Real(0) {
		t.Error("−0 and 0 differ")
	}
}
