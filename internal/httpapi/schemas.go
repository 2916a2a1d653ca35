package httpapi

import "nagar/catalog"

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
	return map[string]any{
		"Problem": shape("RFC 9457", []string{"type", "title", "status", "detail", "instance", "id"}, schema{
			"type": textSchema(), "title": textSchema(), "status": schema{"type": "integer"}, "detail": textSchema(), "instance": textSchema(),
			"parameter": described(textSchema(), "The part of the request that is wrong"),
			"errors":    arrayOf(shape("One thing that is wrong", []string{"path", "reason"}, schema{"path": textSchema(), "reason": textSchema()})),
			"id":        described(textSchema(), "Finds the request in the server's log"),
		}),
		"Status": shape("State of the server", []string{"status", "rev"}, schema{"status": schema{"const": "ok"}, "rev": revision, "version": textSchema()}),
		"Field": shape("A field of a collection", []string{"name", "type", "class"}, schema{
			"name": textSchema(), "type": schema{"type": "string", "enum": []catalog.FieldType{
				catalog.TypeText, catalog.TypeInteger, catalog.TypeReal, catalog.TypeBoolean, catalog.TypeTime, catalog.TypeDate, catalog.TypeJSON}},
			"unit": described(textSchema(), "UCUM code"), "title": words, "meaning": words, "class": class,
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
}

func shape(text string, required []string, properties schema) schema {
	return schema{"type": "object", "description": text, "required": required, "properties": properties}
}
