package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ParseCollection reads a collection's description from JSON, strictly: what is
// misspelt would otherwise be lost in silence. The members that the HTTP surface
// adds to a description (count, bbox, links) are taken and ignored, so that what
// was read can be sent back. Errors are *Invalid. It does not Validate.
func ParseCollection(b []byte) (Collection, error) {
	var in struct {
		Collection
		Count json.RawMessage `json:"count"`
		BBox  json.RawMessage `json:"bbox"`
		Links json.RawMessage `json:"links"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Collection{}, &Invalid{Path: "schema", Reason: jsonReason(err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Collection{}, &Invalid{Path: "schema", Reason: "there is more after the description"}
	}
	return in.Collection, nil
}

// jsonReason is encoding/json's error in words that name no Go type.
func jsonReason(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d", syntax.Error(), syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("%s cannot be a %s (byte %d)", kind.Field, kind.Value, kind.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it breaks off"
	}
	return err.Error()
}
