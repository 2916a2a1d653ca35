package httpapi

import (
	"maps"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/registry"
	"nagar/internal/registry/finding"
)

// componentSchemas are the shapes that several answers share.
func componentSchemas() map[string]any {
	words := described(schema{"type": "object", "additionalProperties": textSchema()}, "A text in several languages, by BCP 47 code")
	revision := described(schema{"type": "integer", "minimum": 0}, "Number of a write, growing in the order of commits")
	box := described(schema{"type": "array", "items": schema{"type": "number"}, "minItems": 4, "maxItems": 4}, "west, south, east, north in degrees")
	instant := schema{"type": "string", "format": "date-time"}
	class := schema{"type": "string", "enum": []string{"public", "internal", "restricted", "personal"}}
	geometry := schema{"type": []string{"object", "null"}, "description": "GeoJSON geometry, EPSG:4326, Z in metres above mean sea level"}
	link := shape("A link", []string{"rel", "href"}, schema{"rel": textSchema(), "href": textSchema(), "type": textSchema(), "title": textSchema(), "method": textSchema()})
	feature := schema{
		"type": schema{"const": "Feature"}, "id": textSchema(), "geometry": geometry, "properties": object(),
		"valid_from": described(instant, "Since when the content is true; left out: since now"), "valid_to": described(instant, "Until when it is true"),
	}
	out := map[string]any{
		"Problem": shape("RFC 9457", []string{"type", "title", "status", "detail", "instance", "id"}, schema{
			"type": textSchema(), "title": textSchema(), "status": schema{"type": "integer"}, "detail": textSchema(), "instance": textSchema(),
			"parameter": described(textSchema(), "The part of the request that is wrong"),
			"errors":    arrayOf(shape("One thing that is wrong", []string{"path", "reason"}, schema{"path": textSchema(), "reason": textSchema()})),
			"code":      described(textSchema(), "The rule of the register that a command goes against, such as not_next"),
			"values":    described(arrayOf(textSchema()), "What belongs to the rule, in the order of its text"),
			"id":        described(textSchema(), "Finds the request in the server's log"),
		}),
		"Status": shape("State of the server", []string{"status", "rev"}, schema{"status": schema{"const": "ok"}, "rev": revision, "version": textSchema()}),
		"Field": shape("A field of a collection", []string{"name", "type", "class"}, schema{
			"name": textSchema(), "type": schema{"type": "string", "enum": []catalog.FieldType{
				catalog.TypeText, catalog.TypeInteger, catalog.TypeReal, catalog.TypeBoolean, catalog.TypeTime, catalog.TypeDate, catalog.TypeJSON}},
			"required": described(schema{"type": "boolean"}, "Who enters a feature by hand has to give a value"),
			"values":   described(arrayOf(shape("A value to choose", []string{"value"}, schema{"value": textSchema(), "title": words})), "All there are to choose from; left out: any"),
			"unit":     described(textSchema(), "UCUM code"), "title": words, "meaning": words, "class": class,
			"indexed": described(schema{"type": "boolean"}, "Features are found by its value"), "link": described(collectionSchema(), "Its values are ids of features of that collection"),
		}),
		"Collection": shape("A collection", []string{"name", "geometry", "fields"}, schema{
			"name": collectionSchema(), "title": words, "description": words, "owner": textSchema(), "licence": textSchema(), "source": textSchema(), "class": class,
			"geometry": schema{"type": "string", "enum": []string{"any", "point", "line", "polygon", "none"}}, "fields": arrayOf(ref("Field")),
			"count": schema{"type": "integer"}, "bbox": box, "rev": revision, "links": arrayOf(link),
		}),
		"Collections": shape("The collections", []string{"collections", "rev"}, schema{"collections": arrayOf(ref("Collection")), "rev": revision}),
		"Feature":     shape("A GeoJSON feature (RFC 7946)", []string{"type", "geometry", "properties"}, feature),
		"FeatureWithHistory": shape("A feature as stored, with its versions", []string{"type", "id", "key", "collection", "geometry", "properties", "version", "history"}, schema{
			"type": schema{"const": "Feature"}, "id": textSchema(), "key": described(schema{"type": "integer"}, "Its id in tiles"), "collection": textSchema(),
			"geometry": geometry, "properties": object(),
			"version": shape("The version shown", []string{"rev"}, schema{"rev": revision, "valid_from": instant, "valid_to": instant}),
			"history": arrayOf(shape("A version", []string{"rev", "properties"}, schema{
				"rev": revision, "rev_to": revision, "recorded": instant, "valid_from": instant, "valid_to": instant,
				"author": textSchema(), "reason": textSchema(), "properties": object()})),
		}),
		"FeatureCollection": shape("A page of features (GeoJSON)", []string{"type", "numberReturned", "links", "features"}, schema{
			"type": schema{"const": "FeatureCollection"}, "numberReturned": schema{"type": "integer"}, "links": arrayOf(link), "features": arrayOf(object()),
		}),
		"Counts": shape("How many features there are; numbers that tell of few people are withheld", []string{"collection", "count"}, schema{
			"collection": textSchema(), "count": described(schema{"type": []string{"integer", "null"}}, "All together; null: withheld"),
			"numberReturned": schema{"type": "integer"}, "links": arrayOf(link),
			"groups": described(arrayOf(shape("A value", []string{"value", "count"}, schema{"value": schema{}, "count": schema{"type": "integer"}})), "With by: most first; null stands for no value"),
			"withheld": shape("What is not told, where the collection or a field that was asked by is restricted or personal", []string{"below"}, schema{
				"below": described(schema{"type": "integer"}, "The policy's min_group"), "groups": schema{"type": "integer"},
				"count": described(schema{"type": "integer"}, "Features of the groups that are withheld, together")}),
		}),
		"Structure": shape("A structure as the caller sees it", []string{"uid", "status", "geometry", "facts", "events", "aliases", "units", "certificates", "records"}, schema{
			"uid": textSchema(), "name": textSchema(), "rev": revision,
			"status": shape("Where it is in its life, and what says so", []string{"value", "basis"}, schema{
				"value": textSchema(), "basis": schema{"enum": []string{"register", "survey"}}, "collection": textSchema(), "id": textSchema(), "rev": revision, "valid_from": instant}),
			"successors":   described(arrayOf(textSchema()), "Of a structure that is no more: those that there are instead"),
			"predecessors": arrayOf(textSchema()), "geometry": geometry, "footprints": arrayOf(object()),
			"facts": described(arrayOf(object()), "Each value with its collection, id, rev and valid_from"), "aliases": arrayOf(object()), "codes": described(arrayOf(object()), "DIGIPIN and Plus Code of a place inside it: scheme and value"), "units": object(),
			"events": arrayOf(object()), "certificates": described(arrayOf(object()), "Each with its state: valid, expiring, expired, not_yet"),
			"records":  described(arrayOf(object()), "By department and collection; the first 50 of each"),
			"findings": described(arrayOf(object()), "What does not agree about it: rule, title, severity, owner, state, summary, found_at, closed_at"),
		}),
		"StructureCommand": shape("What happened to a structure", []string{}, schema{
			"kind": schema{"enum": []string{registry.Register, registry.SetStatus, registry.Correct, registry.Split, registry.Merge, registry.Replace,
				registry.Demolish, registry.Revive, registry.AddUnits, registry.AddAlias, registry.EndAlias, registry.Undo}},
			"date": described(schema{"type": "string", "format": "date"}, "The day it took place; left out: now"), "evidence": textSchema(), "status": textSchema(), "geometry": geometry,
			"uid": described(textSchema(), "register, replace: a leased UID; left out: one is drawn"), "properties": object(), "footprint": textSchema(), "parts": arrayOf(object()), "with": arrayOf(textSchema()), "alias": object(), "plan": arrayOf(object()), "event": textSchema(),
		}),
		"FSI": shape("What is built on a plot, areas in square metres", []string{"plot", "area_m2", "built_up_m2", "fsi", "permitted_fsi", "zones", "structures"}, schema{
			"plot": textSchema(), "cts_number": textSchema(), "area_m2": schema{"type": "number"}, "built_up_m2": schema{"type": "number"}, "fsi": schema{"type": "number"},
			"permitted_fsi": described(schema{"type": []string{"number", "null"}}, "By the zones' shares of the plot; null: no zone says"), "permitted_m2": schema{"type": []string{"number", "null"}},
			"exceeds": schema{"type": "boolean"}, "zones": arrayOf(object()), "structures": described(arrayOf(object()), "uid, id, footprint_m2, share, floors, floors_basis, built_up_m2")}),
		"Inspections": shape("Inspections of one thing", []string{"collection", "id", "overdue", "inspections"}, schema{
			"collection": textSchema(), "id": textSchema(), "due": schema{"type": "string", "format": "date"}, "overdue": schema{"type": "boolean"}, "inspections": arrayOf(object())}),
		"WorksConflicts": shape("Works in each other's way", []string{"conflicts"}, schema{"conflicts": described(arrayOf(object()), "works (two), from, to, distance_m, lon, lat")}),
		"NewUIDLease": shape("What block of UIDs is wanted", []string{"count", "device"}, schema{
			"count": integerSchema(1, registry.MaxLease), "device": described(lengthSchema(200), "What is going to use them"),
			"expires": described(schema{"type": "string", "format": "date-time"}, "Within a year; left out: in 30 days")}),
		"UIDLease": shape("A block of UIDs that its holder alone may register", []string{"lease", "device", "holder", "expires", "uids", "used", "state"}, schema{
			"lease": textSchema(), "device": textSchema(), "holder": textSchema(), "expires": schema{"type": "string", "format": "date-time"},
			"uids": described(arrayOf(textSchema()), "Those that are not used"), "used": schema{"type": "integer"}, "state": schema{"enum": []string{"open", "expired", "returned"}}}),
		"StructureDone": shape("What came of it", []string{"event", "uid", "structures"}, schema{
			"event": object(), "uid": textSchema(), "structures": described(arrayOf(textSchema()), "All that the event concerns"), "replayed": schema{"type": "boolean"}}),
		"StructureRecords": shape("A page of rows about a structure", []string{"uid", "records"}, schema{
			"uid": textSchema(), "records": arrayOf(object()), "next": described(textSchema(), "Address of the next page; none: this is the last")}),
		"AuditPage": shape("Entries of the audit log, the latest first", []string{"entries"}, schema{
			"next": described(textSchema(), "cursor of the next page; none: this is the last"),
			"entries": arrayOf(shape("An entry", []string{"seq", "time", "hash", "action", "who"}, schema{
				"seq": schema{"type": "integer"}, "time": instant, "hash": textSchema(), "action": textSchema(), "who": object(), "collection": textSchema(),
				"fields": arrayOf(textSchema()), "ids": arrayOf(textSchema()), "count": schema{"type": "integer"}, "bbox": box, "requests": arrayOf(textSchema()), "detail": textSchema()})),
		}),
		"TileJSON": shape("TileJSON 3.0.0", []string{"tilejson", "tiles"}, schema{
			"tilejson": schema{"const": "3.0.0"}, "name": textSchema(), "tiles": arrayOf(textSchema()), "bounds": box, "minzoom": schema{"type": "integer"}, "maxzoom": schema{"type": "integer"},
			"vector_layers": arrayOf(shape("A layer", []string{"id", "fields"}, schema{"id": textSchema(), "description": textSchema(), "fields": object()})),
		}),
		"TilesEvent": shape("Data of a tiles event", []string{"collection", "rev"}, schema{
			"collection": textSchema(), "rev": revision, "tiles": described(arrayOf(textSchema()), "z/x/y at the TileJSON's maxzoom; their parents changed too"), "bbox": box,
		}),
	}
	maps.Copy(out, reviewSchemas(instant))
	maps.Copy(out, findingSchemas(words, instant))
	maps.Copy(out, accessSchemas(words, instant, class))
	return out
}

// findingSchemas are the shapes of findings.
func findingSchemas(words, instant schema) map[string]any {
	text := textSchema()
	states := schema{"type": "string", "enum": []string{finding.Open, finding.Acknowledged, finding.Resolved, finding.Dismissed}}
	never := schema{"type": []string{"string", "null"}, "format": "date-time"}
	evidence := shape("A value that it rests on", []string{"label"}, schema{"label": words, "value": schema{}, "unit": text,
		"source": described(text, "The department whose record it is"), "date": text, "collection": text, "id": text})
	note := shape("What was done with it", []string{"at", "by"}, schema{"at": instant, "by": text, "state": states, "note": text})
	one := shape("What does not agree", []string{"id", "rule", "title", "severity", "owner", "state", "summary", "found_at", "evidence", "notes"}, schema{
		"id": text, "rule": text, "title": words, "severity": schema{"type": "string", "enum": finding.Severities}, "owner": text, "uid": text, "ward": text, "state": states,
		"summary": words, "found_at": never, "closed_at": never, "closed_why": text, "evidence": arrayOf(evidence),
		"lon": schema{"type": "number"}, "lat": schema{"type": "number"}, "assigned": text, "notes": arrayOf(note)})
	return map[string]any{
		"Finding": one,
		"Findings": shape("Findings", []string{"findings", "total"}, schema{"findings": arrayOf(ref("Finding")),
			"total": schema{"type": []string{"integer", "null"}}, "next": text}),
		"FindingDecision": shape("What is decided", nil, schema{"state": states, "note": text, "assigned": text}),
	}
}

// accessSchemas are the shapes of signing in and of administration.
func accessSchemas(words, instant, class schema) map[string]any {
	text, flag, texts, count := textSchema(), schema{"type": "boolean"}, arrayOf(textSchema()), schema{"type": "integer", "minimum": 0}
	never := schema{"type": []string{"string", "null"}, "format": "date-time"}
	purpose := shape("A reason to read personal data", []string{"id", "title"}, schema{"id": text, "title": words})
	account := schema{"name": text, "title": text, "roles": texts, "department": text, "wards": texts}
	token := schema{"title": text, "roles": texts, "department": text, "wards": texts, "collections": described(texts, "Only these; none: all that the roles allow"), "purpose": text, "expires": instant}
	with := func(base schema, more schema) schema {
		base = maps.Clone(base)
		maps.Copy(base, more)
		return base
	}
	grant := shape("Some rows and fields of some collections", []string{"collections", "class"}, schema{
		"collections": texts, "own": flag, "class": class, "fields": texts, "hide": texts, "area": flag, "rows": text, "write": flag})
	out := map[string]any{
		"Me": shape("The caller", []string{"kind", "name", "roles", "rights", "purposes"}, schema{
			"kind": schema{"type": "string", "enum": []access.Kind{access.Anonymous, access.Citizen, access.Account, access.Token, access.Root}},
			"name": text, "contact": text, "roles": texts, "department": text, "wards": texts, "purpose": text, "purposes": arrayOf(purpose), "rights": texts,
			"may_write": texts, "personal": described(flag, "A purpose would show personal data"), "expires": never, "second_factor": flag, "has_password": flag}),
		"SignInMethods": shape("The ways to sign in", []string{"local", "oidc", "codes"}, schema{
			"local": flag, "oidc": arrayOf(shape("A provider", []string{"id", "title"}, schema{"id": text, "title": text})), "codes": texts}),
		"Credentials":    shape("Name and password", []string{"name", "password"}, schema{"name": text, "password": text, "code": text}),
		"LinkToken":      shape("The token of a link", []string{"token"}, schema{"token": text, "code": text}),
		"Contact":        shape("A citizen's phone (E.164) or e-mail", []string{"contact"}, schema{"contact": text}),
		"ContactCode":    shape("The code that was sent there", []string{"contact", "code"}, schema{"contact": text, "code": text}),
		"Code":           shape("A code of the second factor", []string{"code"}, schema{"code": text}),
		"PurposeChoice":  shape("Why personal data is read", []string{"purpose"}, schema{"purpose": text}),
		"PasswordChange": shape("A new password", []string{"new"}, schema{"old": text, "new": text}),
		"SecondFactor":   shape("What an authenticator takes", []string{"secret", "uri"}, schema{"secret": text, "uri": text}),
		"Sessions": shape("Sessions", []string{"sessions"}, schema{"sessions": arrayOf(shape("A session", []string{"id", "this", "created", "seen", "expires"}, schema{
			"id": text, "this": flag, "method": text, "created": instant, "seen": instant, "expires": instant, "address": text, "agent": text}))}),
		"NewAccount":    shape("An account to be", []string{"name"}, account),
		"AccountChange": shape("What changes of an account", nil, schema{"title": text, "roles": texts, "department": text, "wards": texts, "disabled": flag, "second_factor": schema{"const": false}}),
		"Account": shape("An account", []string{"id", "name"}, with(account, schema{
			"id": text, "disabled": flag, "has_password": flag, "second_factor": flag, "provider": text, "created": instant, "last_seen": never})),
		"Accounts":   shape("Accounts", []string{"accounts"}, schema{"accounts": arrayOf(ref("Account"))}),
		"SignInLink": shape("A one-time link", []string{"url", "expires"}, schema{"url": text, "expires": instant}),
		"NewToken":   shape("A token to be", []string{"title", "expires"}, token),
		"Token": shape("An API token", []string{"id", "title", "expires"}, with(token, schema{
			"id": text, "maker": text, "created": instant, "last_used": never, "secret": described(text, "In the answer that makes it only")})),
		"Tokens": shape("Tokens", []string{"tokens"}, schema{"tokens": arrayOf(ref("Token"))}),
		"Policy": shape("Who may see and change what", []string{"roles", "purposes", "min_group"}, schema{
			"version": count, "min_group": count, "purposes": arrayOf(purpose), "retention": arrayOf(object()),
			"roles": schema{"type": "object", "additionalProperties": shape("A role", []string{"title"}, schema{"title": words, "grants": arrayOf(grant), "rights": texts})}}),
		"PolicyVersions": shape("Versions of the policy", []string{"versions"}, schema{"versions": arrayOf(shape("A version", []string{"version", "policy"}, schema{
			"version": count, "author": text, "written": never, "policy": ref("Policy")}))}),
	}
	return out
}

func shape(text string, required []string, properties schema) schema {
	return schema{"type": "object", "description": text, "required": required, "properties": properties}
}
