package catalogtest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// faultEnv gives the store in memory a fault.
const faultEnv = "NAGAR_CATALOGTEST_FAULT"

// TestSuiteCatches gives the store in memory one fault after the other, each of
// a kind that real stores have had, and wants the case named to fail on it.
func TestSuiteCatches(t *testing.T) {
	for fault, by := range map[string]string{
		"numbers early":    "feed/commit-order", // as a reader of a bigserial sees it
		"skips between":    "feed/fidelity",
		"lost wake-ups":    "feed/wait",
		"half batches":     "apply/atomic",
		"forgets keys":     "apply/idempotent",
		"ignores If":       "apply/conditions",
		"ignores Merge":    "apply/merge",
		"floats":           "exact/values",
		"trims":            "exact/values",
		"flat":             "exact/geometries",
		"loses empties":    "exact/geometries",
		"now is whenever":  "clocks/outside-now",
		"one clock":        "clocks/rules",
		"never backwards":  "clocks/random",
		"feed remembers":   "erase",
		"open borders":     "window/borders",
		"matches all":      "match/brute-force",
		"deaf":             "cancel/apply",
		"erases too much":  "erase",
		"shallow deletion": "apply/results",
	} {
		t.Run(fault, func(t *testing.T) {
			pattern := "^TestSuiteOnMemory$/^" + strings.ReplaceAll(by, "/", "$/^") + "$"
			cmd := exec.Command(os.Args[0], "-test.run="+pattern, "-test.v")
			cmd.Env = append(os.Environ(), faultEnv+"="+fault, "SEED=7")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestSuiteOnMemory/"+by) {
				t.Errorf("%s does not notice it:\n%s", by, out)
			}
		})
	}
}

// bend spoils an operation by the store's fault.
func (m *memory) bend(op *catalog.Op) {
	f := &op.Feature
	switch m.fault {
	case "ignores If":
		op.If = nil
	case "ignores Merge":
		op.Merge = false
	case "floats", "trims":
		f.Props = slices.Clone(f.Props)
		for i, p := range f.Props {
			switch {
			case m.fault == "floats" && p.Value.Type() == catalog.TypeInteger:
				f.Props[i].Value = catalog.Integer(int64(float64(p.Value.Int() / 2 * 2)))
			case m.fault == "trims" && p.Value.Type() == catalog.TypeText:
				f.Props[i].Value = catalog.Text(strings.TrimSpace(p.Value.Str()))
			}
		}
	case "flat":
		if f.Geometry.HasZ && f.Geometry.Type == geo.Point && len(f.Geometry.Coords) == 3 {
			f.Geometry = geo.NewPoint(f.Geometry.Coords[0], f.Geometry.Coords[1])
		}
	case "loses empties":
		if f.Geometry.IsEmpty() {
			f.Geometry = geo.Geometry{}
		}
	case "one clock":
		if op.Kind == catalog.Put {
			f.ValidFrom = f.ValidFrom.AddDate(-1, 0, 0)
		}
	case "never backwards":
		f.ValidTo = f.ValidFrom.AddDate(200, 0, 0)
	case "erases too much":
		if op.Kind == catalog.Erase {
			op.Fields = nil
		}
	case "shallow deletion":
		if op.Kind == catalog.Delete {
			op.Kind, op.Fields = catalog.Erase, nil
		}
	}
}
