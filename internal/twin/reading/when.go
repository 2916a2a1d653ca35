package reading

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The years that times may be of.
const (
	firstYear = 1900
	lastYear  = 2200
)

// when reads a time: ISO 8601, an interval of two, or seconds, milliseconds or
// microseconds since 1970, told apart by their size. None, or null, is now.
func (r *Reader) when(path string, raw json.RawMessage) (t, end int64, given bool, err error) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return r.Now(), 0, true, nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return 0, 0, false, wrong(path, "want a time, got %s", clip(string(raw)))
		}
		t, err = epoch(path, f)
		return t, 0, false, err
	}
	begin, rest, interval := strings.Cut(s, "/")
	if t, err = r.Time(path, begin); err != nil || !interval {
		return t, 0, false, err
	}
	if end, err = r.Time(path, rest); err == nil && end < t {
		err = wrong(path, "the interval ends before it begins")
	}
	return t, end, false, err
}

// epoch tells seconds from milliseconds and microseconds: what is beyond the year
// 5000 as one is meant as the next.
func epoch(path string, f float64) (int64, error) {
	for _, unit := range []float64{1e6, 1e3, 1} {
		if math.Abs(f)*unit < 1e17 {
			return checked(path, int64(math.Round(f*unit)))
		}
	}
	return 0, wrong(path, "%v is no time", f)
}

func checked(path string, t int64) (int64, error) {
	if y := time.UnixMicro(t).UTC().Year(); y < firstYear || y > lastYear {
		return 0, wrong(path, "the year %d is not between %d and %d", y, firstYear, lastYear)
	}
	return t, nil
}

// zoned and local are the forms of times, with a zone and without.
var (
	zoned = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999-0700Z", "2006-01-02T15:04Z07:00"}
	local = []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"}
)

// Time reads an instant in ISO 8601; a space may stand for the T, and without a zone
// it is of the reader's.
func (r *Reader) Time(path, s string) (int64, error) {
	s = strings.TrimSpace(s)
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + strings.ReplaceAll(s[11:], " ", "")
	}
	for _, form := range zoned {
		if t, err := time.Parse(form, s); err == nil {
			return checked(path, t.UnixMicro())
		}
	}
	for _, form := range local {
		if t, err := time.ParseInLocation(form, s, r.Zone); err == nil {
			return checked(path, t.UnixMicro())
		}
	}
	return 0, wrong(path, "want a time such as 2026-06-01T22:00:00+05:30, got %q", clip(s))
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
