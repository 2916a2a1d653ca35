package httpapi

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nagar/internal/access/audit"
)

// breachReading is a Reading as it is shown.
type breachReading struct {
	audit.Reading
	BBoxes []*[4]float64 `json:"bboxes,omitempty"` // what maps and long lists covered
}

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
	if err := r.recordAudit("breach"); err != nil {
		return err
	}
	b, err := r.s.cfg.Audit.Breach(r.Request().Context(), f)
	if err != nil {
		return err
	}
	if format == "csv" {
		return r.breachTable(b)
	}
	readings := make([]breachReading, len(b.Readings))
	for i := range b.Readings {
		readings[i].Reading = b.Readings[i]
		for j := range b.Readings[i].Boxes {
			readings[i].BBoxes = append(readings[i].BBoxes, bboxOf(&b.Readings[i].Boxes[j]))
		}
	}
	return r.confidential(struct {
		*audit.Breach
		Readings []breachReading `json:"readings"`
	}{b, readings})
}

// breachTable answers a row for each feature that each reader read, and for each
// box that a reader's maps and long lists covered.
func (r *request) breachTable(b *audit.Breach) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = plainCell(cells[i])
		}
		_ = w.Write(cells) // to memory
	}
	row("collection", "id", "west", "south", "east", "north", "fields", "action", "account", "name", "roles", "department", "purpose", "address", "first", "last", "requests")
	for i := range b.Readings {
		x := &b.Readings[i]
		rest := []string{
			strings.Join(x.Fields, " "), string(x.Action), x.Who.Account, x.Who.Name, strings.Join(x.Who.Roles, " "), x.Who.Department, x.Who.Purpose, x.Who.Address,
			x.First.Format(time.RFC3339), x.Last.Format(time.RFC3339), strconv.FormatInt(x.Requests, 10),
		}
		for _, id := range x.IDs {
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
	if b.Partial {
		h.Set("Nagar-Partial", "true")
	}
	return r.send(http.StatusOK, "text/csv; charset=utf-8", out.Bytes())
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
