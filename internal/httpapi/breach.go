package httpapi

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access/audit"
	"nagar/layers"
)

// breachReading is a Reading as it is shown.
type breachReading struct {
	audit.Reading
	BBoxes []*[4]float64 `json:"bboxes,omitempty"` // what maps and long lists covered
	Within []string      `json:"within,omitempty"` // where it was asked for: the features that lie there now, beyond those of ids
}

// maxResolved is the most features that one report finds by box.
const maxResolved = 100_000

// breach answers /api/audit/breach.
func (r *request) breach() error {
	f, err := r.auditFilter()
	if err != nil {
		return err
	}
	if f.From.IsZero() {
		return badParam("from", "it is needed: the beginning of the time to report on")
	}
	format, err := r.param("format")
	if err != nil {
		return err
	}
	if format != "" && format != "csv" && format != "json" {
		return badParam("format", "want csv or json, got %q", clip(format))
	}
	resolve, err := r.param("resolve")
	if err != nil {
		return err
	}
	if resolve != "" && resolve != "true" && resolve != "false" {
		return badParam("resolve", "want true or false, got %q", clip(resolve))
	}
	if err := r.recordAudit("breach"); err != nil {
		return err
	}
	b, err := r.s.cfg.Audit.Breach(r.Request().Context(), f)
	if err != nil {
		return err
	}
	readings := make([]breachReading, len(b.Readings))
	for i := range b.Readings {
		readings[i].Reading = b.Readings[i]
		for j := range b.Readings[i].Boxes {
			readings[i].BBoxes = append(readings[i].BBoxes, bboxOf(&b.Readings[i].Boxes[j]))
		}
	}
	if resolve == "true" {
		if b.Partial, err = r.resolve(readings, b.Partial); err != nil {
			return err
		}
	}
	if format == "csv" {
		return r.breachTable(readings, b.Partial)
	}
	return r.confidential(struct {
		*audit.Breach
		Readings []breachReading `json:"readings"`
	}{b, readings})
}

// breachTable answers a row for each feature that each reader read, and for each
// box that a reader's maps and long lists covered.
func (r *request) breachTable(readings []breachReading, partial bool) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = plainCell(cells[i])
		}
		_ = w.Write(cells) // to memory
	}
	row("collection", "id", "west", "south", "east", "north", "fields", "action", "account", "name", "roles", "department", "purpose", "address", "first", "last", "requests")
	for i := range readings {
		x := &readings[i]
		rest := []string{
			strings.Join(x.Fields, " "), string(x.Action), x.Who.Account, x.Who.Name, strings.Join(x.Who.Roles, " "), x.Who.Department, x.Who.Purpose, x.Who.Address,
			x.First.Format(time.RFC3339), x.Last.Format(time.RFC3339), strconv.FormatInt(x.Requests, 10),
		}
		for _, id := range slices.Concat(x.IDs, x.Within) {
			row(append([]string{x.Collection, id, "", "", "", ""}, rest...)...)
		}
		for _, box := range x.Boxes {
			row(append([]string{x.Collection, "", degrees(box.W), degrees(box.S), degrees(box.E), degrees(box.N)}, rest...)...)
		}
	}
	w.Flush()
	h := r.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="breach-%s.csv"`, time.Now().UTC().Format("20060102-150405")))
	if partial {
		h.Set("Nagar-Partial", "true")
	}
	return r.send(http.StatusOK, "text/csv; charset=utf-8", out.Bytes())
}

// resolve finds the features that lie now in the boxes of each reading. partial is
// whether the report lacks some; so it does then, too.
func (r *request) resolve(readings []breachReading, partial bool) (bool, error) {
	left := maxResolved
	for i := range readings {
		x := &readings[i]
		named := make(map[string]bool, len(x.IDs))
		for _, id := range x.IDs {
			named[id] = true
		}
		for j := range x.Boxes {
			full, err := r.inBox(x.Collection, &x.Boxes[j], func(id string) bool {
				if named[id] {
					return true
				}
				if left == 0 {
					return false
				}
				named[id], left = true, left-1
				x.Within = append(x.Within, id)
				return true
			})
			if err != nil {
				return partial, err
			}
			partial = partial || !full
		}
		slices.Sort(x.Within)
	}
	return partial, nil
}

// inBox calls fn for the id of each feature of the collection in the box until it
// says no, and reports whether it never did. Nothing but ids is read: it shows an
// auditor who is affected, and not by what.
func (r *request) inBox(collection string, box *geo.Box, fn func(id string) bool) (bool, error) {
	ids := catalog.NewView("ids", func(*catalog.Collection) []catalog.Tier { return []catalog.Tier{{}} })
	for after := ""; ; {
		a, err := r.s.cfg.Engine.Within(r.Request().Context(), layers.WithinRequest{Collection: collection, Box: box, View: ids, Limit: layers.MaxLimit, After: after})
		if errors.Is(err, catalog.ErrNotFound) { // the collection is gone
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("find who lies in a box: %w", err)
		}
		found, err := idsOf(a)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(found, func(id string) bool { return !fn(id) }) {
			return false, nil
		}
		if after = a.Next; after == "" {
			return true, nil
		}
	}
}

// idsOf are the ids of an answer's features.
func idsOf(a *layers.Answer) ([]string, error) {
	var found []struct{ ID string }
	if err := json.Unmarshal(a.Features, &found); err != nil {
		return nil, fmt.Errorf("read the engine's answer: %w", err)
	}
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	return ids, nil
}

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// plainCell keeps spreadsheets from taking what a caller wrote for a formula.
func plainCell(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}
