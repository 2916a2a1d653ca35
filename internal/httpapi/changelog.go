package httpapi

import (
	"bytes"
	"encoding/csv"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"nagar/catalog"
	"nagar/internal/registry"
)

func changelogRoutes() []route {
	asTable := func(text string) answer {
		return answer{status: 200, text: text, mediaType: "text/csv", schema: textSchema()}
	}
	refused := []answer{problemAnswer(400), problemAnswer(404), problemAnswer(503)}
	return []route{
		{method: http.MethodGet, path: "/api/structures/changes", id: "getStructureChanges", tag: "structures", summary: "The register's changelog: what events meant for structures, in the order in which they were recorded",
			params:  []parameter{queryParameter("since", "only what was recorded after this revision", integerSchema(0, 1<<53)), queryParameter("format", "csv for text/csv; else JSON", textSchema()), limitParameter("limit"), cursorParameter()},
			answers: append([]answer{ok("A page of it", typeJSON, ref("StructureChanges")), asTable("A page of it as a table")}, refused...), handle: (*request).structureChanges},
		{method: http.MethodGet, path: "/api/structures/bridge", id: "getStructureBridge", tag: "structures", summary: "Which footprint of a survey is which of the one before",
			params:  []parameter{queryParameter("epoch", "name of the later survey", lengthSchema(maxSearch))},
			answers: append([]answer{asTable("old_source_id, new_source_id, uid, relation, overlap, old_uid")}, refused...), handle: (*request).structureBridge},
	}
}

// structureChanges answers /api/structures/changes.
func (r *request) structureChanges() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	since, err := r.count("since", 0, 0, 1<<53)
	if err != nil {
		return err
	}
	format, err := r.text("format", maxSearch)
	if err != nil {
		return err
	}
	if format != "" && format != "json" && format != "csv" {
		return badParam("format", "want json or csv, got %q", clip(format))
	}
	limit, err := r.limit()
	if err != nil {
		return err
	}
	after, err := r.text("after", maxCursor)
	if err != nil {
		return err
	}
	page, err := r.s.cfg.Structures.Changes(r.Request().Context(), catalog.Rev(since), r.view, limit, after)
	if errors.Is(err, registry.ErrCursor) {
		return badParam("after", "%s", err.Error())
	}
	if err != nil {
		return err
	}
	r.revision(page.Head)
	r.carriesRows(page)
	if page.Next != "" {
		page.Next = r.nextURL(page.Next)
		r.Response().Header().Set("Link", "<"+page.Next+`>; rel="next"`)
	}
	if format != "csv" {
		return r.json(http.StatusOK, page)
	}
	rows := [][]string{{"rev", "at", "uid", "event", "from", "to", "actor", "evidence", "id"}}
	for i := range page.Changes {
		c := &page.Changes[i]
		rows = append(rows, []string{strconv.FormatInt(int64(c.Rev), 10), c.Date, c.UID, c.Kind, strings.Join(c.From, " "), strings.Join(c.To, " "), c.Actor, c.Evidence, c.ID})
	}
	return r.table("structure-changes", rows)
}

// structureBridge answers /api/structures/bridge.
func (r *request) structureBridge() error {
	if err := r.s.ready(); err != nil {
		return err
	}
	epoch, err := r.clean("epoch")
	if err != nil {
		return err
	}
	if epoch == "" {
		return badParam("epoch", "say of which survey")
	}
	names := []string{"old_source_id", "new_source_id", "uid", "relation", "overlap", "old_uid"}
	rows := [][]string{names}
	if err := r.s.cfg.Structures.Bridge(r.Request().Context(), epoch, r.view, func(p catalog.Properties) error {
		row := make([]string, len(names))
		for i, name := range names {
			if v := p.Get(name); !v.IsNull() {
				row[i] = v.String()
			}
		}
		rows = append(rows, row)
		return nil
	}); err != nil {
		return err
	}
	if len(rows) == 1 {
		return missing("epoch", "There is no bridge to a survey %s.", clip(epoch))
	}
	return r.table("bridge", rows)
}

// table answers rows as CSV to be saved. A text that a spreadsheet would take for a
// formula is led by an apostrophe.
func (r *request) table(name string, rows [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range rows {
		for i, s := range row {
			if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
				row[i] = "'" + s
			}
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	r.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	return r.send(http.StatusOK, "text/csv; charset=utf-8", b.Bytes())
}
