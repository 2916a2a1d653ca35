package httpapi

import "nagar/internal/registry/linkage"

// reviewSchemas are the shapes of the queue of reviews.
func reviewSchemas(instant schema) map[string]any {
	text, count := textSchema(), schema{"type": "integer", "minimum": 0}
	score := described(numberSchema(0, 1), "Probability")
	state := schema{"enum": []string{linkage.Open, linkage.Joined, linkage.None, linkage.Undone}}
	kind := described(schema{"enum": []string{linkage.Doubtful, linkage.Unlike, linkage.UnknownUID, linkage.Sure}}, "Why it waits, or waited")
	decided := described(schema{"type": []string{"object", "null"}}, "The decision that stands: at, by, decision, uid; null while it waits")
	step := shape("A decision in its past", []string{"at", "by", "decision"}, schema{"at": instant, "by": text, "decision": text, "uid": text, "note": text})
	reason := shape("What speaks for a candidate or against it", []string{"part", "verdict", "weight"}, schema{
		"part": text, "record": text, "structure": text, "verdict": schema{"enum": []string{"same", "like", "differs", "missing"}}, "level": text,
		"weight": described(schema{"type": "number"}, "Bits: 1 doubles the odds")})
	return map[string]any{
		"Reviews": shape("A page of reviews, best first", []string{"reviews", "total"}, schema{
			"total": count, "next": described(text, "Address of the next page; none: this is the last"),
			"reviews": arrayOf(shape("A review", []string{"id", "collection", "record", "state", "kind", "score", "candidates", "created", "decided"}, schema{
				"id": text, "collection": text, "record": shape("The record", []string{"id", "title"}, schema{"id": text, "title": text}),
				"state": state, "kind": kind, "score": score, "ward": text, "candidates": count, "created": instant, "decided": decided}))}),
		"ReviewSummary": shape("Counts by collection", []string{"collections"}, schema{"collections": arrayOf(shape("A collection",
			[]string{"collection", "open", "joined", "none", "sure", "rejected", "unknown_uid"}, schema{
				"collection": text, "open": count, "joined": count, "none": count, "sure": count, "rejected": count, "unknown_uid": count}))}),
		"Review": shape("A record and the structures that it may be of", []string{"id", "collection", "state", "kind", "record", "candidates", "decided", "history", "may_decide"}, schema{
			"id": text, "collection": text, "state": state, "kind": kind, "why": text, "may_decide": schema{"type": "boolean"},
			"record": shape("The record as the caller sees it", []string{"id", "title", "properties", "geometry"}, schema{
				"id": text, "title": text, "properties": object(), "geometry": schema{"type": []string{"object", "null"}}}),
			"candidates": arrayOf(shape("A structure", []string{"uid", "score", "geometry", "reasons"}, schema{
				"uid": text, "score": score, "status": text, "name": text, "address": text, "ward": text, "height_m": schema{"type": "number"},
				"geometry": schema{"type": []string{"object", "null"}}, "reasons": arrayOf(reason)})),
			"decided": decided, "history": arrayOf(step)}),
		"StructureChanges": shape("A page of the register's changelog", []string{"changes"}, schema{
			"next": described(text, "Address of the next page; none: this is the last"),
			"changes": arrayOf(shape("What an event meant for a structure", []string{"rev", "at", "uid", "event", "id", "from", "to"}, schema{
				"rev": schema{"type": "integer"}, "at": text, "uid": text, "event": text, "id": text, "status": text,
				"from": arrayOf(text), "to": arrayOf(text), "actor": text, "evidence": text, "undoes": text}))}),
		"ReviewDecision": shape("What somebody decides", []string{"decision"}, schema{
			"decision": schema{"enum": []string{linkage.Join, linkage.No, linkage.Undo}}, "uid": described(text, "With join: the structure"), "note": text}),
	}
}
