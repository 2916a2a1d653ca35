package gpkg

import (
	"fmt"
	"strconv"
	"time"
)

// Times stand in the file as GeoPackage's DATETIME: 2006-01-02T15:04:05.000Z in
// UTC, with six digits of fraction when milliseconds are not enough. A year
// beyond 0000 to 9999, which the standard has no form for, is written with a sign
// and as many digits as it takes, so that nothing is lost.

func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	b = appendDate(b, t)
	h, m, s := t.Clock()
	b = append(b, 'T')
	b = append2(b, h)
	b = append(b, ':')
	b = append2(b, m)
	b = append(b, ':')
	b = append2(b, s)
	us := t.Nanosecond() / 1000
	b = append(b, '.', byte('0'+us/100000), byte('0'+us/10000%10), byte('0'+us/1000%10))
	if us%1000 != 0 {
		b = append(b, byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
	}
	return append(b, 'Z')
}

func appendDate(b []byte, t time.Time) []byte {
	y, m, d := t.Date()
	switch {
	case y >= 0 && y <= 9999:
		b = append2(append2(b, y/100), y%100)
	case y < 0:
		b = fmt.Appendf(b, "-%05d", -y)
	default:
		b = fmt.Appendf(b, "+%05d", y)
	}
	b = append2(append(b, '-'), int(m))
	return append2(append(b, '-'), d)
}

func append2(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// timeText is t as stored, "" for the zero time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(appendTime(make([]byte, 0, 32), t))
}

// parseTime reads what appendTime wrote and the forms that outside tools write:
// a blank for the T, no seconds' fraction, no zone (taken as UTC), an offset, a
// date alone.
func parseTime(s []byte) (time.Time, error) {
	day, rest, err := parseDate(s)
	if err != nil {
		return time.Time{}, err
	}
	if len(rest) == 0 {
		return day, nil
	}
	bad := func() (time.Time, error) { return time.Time{}, fmt.Errorf("%q is not a date and time", clip(s)) }
	if rest[0] != 'T' && rest[0] != 't' && rest[0] != ' ' {
		return bad()
	}
	h, ok1 := digits2(rest, 1)
	m, ok2 := digits2(rest, 4)
	if !ok1 || !ok2 || rest[3] != ':' || h > 23 || m > 59 {
		return bad()
	}
	rest = rest[6:]
	sec, us := 0, 0
	if len(rest) > 0 && rest[0] == ':' {
		var ok bool
		if sec, ok = digits2(rest, 1); !ok || sec > 59 {
			return bad()
		}
		rest = rest[3:]
		if len(rest) > 0 && rest[0] == '.' {
			i, unit := 1, 100000
			for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
				us += int(rest[i]-'0') * unit
				unit /= 10
			}
			if i == 1 {
				return bad()
			}
			rest = rest[i:]
		}
	}
	t := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second + time.Duration(us)*time.Microsecond)
	offset, ok := parseOffset(rest)
	if !ok {
		return bad()
	}
	return t.Add(-offset), nil
}

// parseOffset reads Z, +05:30, +0530, +05 or nothing.
func parseOffset(s []byte) (time.Duration, bool) {
	if len(s) == 0 || len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok := digits2(s, 1)
	if !ok {
		return 0, false
	}
	m := 0
	rest := s[3:]
	if len(rest) > 0 && rest[0] == ':' {
		rest = rest[1:]
	}
	if len(rest) > 0 {
		if m, ok = digits2(rest, 0); !ok || len(rest) != 2 {
			return 0, false
		}
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, true
}

// parseDate reads YYYY-MM-DD (or a signed longer year) at the start of s and
// returns midnight UTC of that day and what follows.
func parseDate(s []byte) (time.Time, []byte, error) {
	n := 4
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		for n = 1; n < len(s) && n < 8 && s[n] >= '0' && s[n] <= '9'; n++ {
		}
	}
	if len(s) < n+6 || s[n] != '-' && s[n] != '/' || s[n+3] != s[n] {
		return time.Time{}, nil, fmt.Errorf("%q is not a date", clip(s))
	}
	y, err := strconv.Atoi(string(s[:n]))
	m, ok1 := digits2(s, n+1)
	d, ok2 := digits2(s, n+4)
	if err != nil || !ok1 || !ok2 {
		return time.Time{}, nil, fmt.Errorf("%q is not a date", clip(s))
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Day() != d || int(t.Month()) != m {
		return time.Time{}, nil, fmt.Errorf("%q is not a day of the calendar", clip(s))
	}
	return t, s[n+6:], nil
}

func digits2(s []byte, i int) (int, bool) {
	if len(s) < i+2 || s[i] < '0' || s[i] > '9' || s[i+1] < '0' || s[i+1] > '9' {
		return 0, false
	}
	return int(s[i]-'0')*10 + int(s[i+1]-'0'), true
}

func clip(s []byte) string {
	if len(s) > 40 {
		return string(s[:40]) + "…"
	}
	return string(s)
}

// cut drops what is finer than the microseconds that the store keeps.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}
