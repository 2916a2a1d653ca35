package httpapi

import (
	"strconv"
	"strings"

	"nagar/layers"
)

// encoding is a content coding of an answer.
type encoding = layers.Encoding

const (
	asIs      = layers.Identity
	gzipped   = layers.Gzip
	zstandard = layers.Zstd
	brotlied  = layers.Brotli
	refused   = encoding(4) // none that the caller accepts
)

// unset marks a coding that an Accept-Encoding header does not name.
const unset = -1.0

// accepted is a parsed Accept-Encoding header: the weight of each coding.
type accepted struct {
	q    [4]float64
	star float64
}

func parseAccept(header string) accepted {
	a := accepted{q: [4]float64{unset, unset, unset, unset}, star: unset}
	for part := range strings.SplitSeq(header, ",") {
		name, weight := qvalue(part)
		switch strings.ToLower(name) {
		case "identity":
			a.q[asIs] = weight
		case "gzip", "x-gzip":
			a.q[gzipped] = weight
		case "zstd":
			a.q[zstandard] = weight
		case "br":
			a.q[brotlied] = weight
		case "*":
			a.star = weight
		}
	}
	return a
}

// plainOK reports whether the caller takes the answer without any coding:
// acceptable unless excluded (RFC 9110 section 12.5.3).
func (a accepted) plainOK() bool {
	if a.q[asIs] == unset {
		return a.star != 0
	}
	return a.q[asIs] > 0
}

// negotiate picks the content coding for an Accept-Encoding header: the highest
// weight wins; among equals gzip, then zstd, then br, which is the order of what
// they cost here for about the same size, and keeps most callers on one cached
// form. No header at all means: as it is.
func negotiate(header string, present bool) encoding {
	if !present {
		return asIs
	}
	a := parseAccept(header)
	best, bestQ := refused, 0.0
	for _, e := range []encoding{gzipped, zstandard, brotlied} {
		w := a.q[e]
		if w == unset {
			w = a.star
		}
		if w > bestQ {
			best, bestQ = e, w
		}
	}
	if a.plainOK() && (best == refused || a.q[asIs] > bestQ) {
		return asIs
	}
	return best
}

// qvalue splits "gzip;q=0.5"; a q that is not a number between 0 and 1 counts as 0.
func qvalue(part string) (name string, q float64) {
	name, rest, _ := strings.Cut(part, ";")
	q = 1
	for p := range strings.SplitSeq(rest, ";") {
		k, v, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(k), "q") {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil || !(f >= 0 && f <= 1) {
			f = 0
		}
		q = f
	}
	return strings.TrimSpace(name), q
}

// noneMatch reports whether an If-None-Match header names the tag (weak
// comparison, RFC 9110 section 13.1.2).
func noneMatch(header, tag string) bool {
	if header == "" || tag == "" {
		return false
	}
	if strings.TrimSpace(header) == "*" {
		return true
	}
	tag = strings.TrimPrefix(tag, "W/")
	for t := range tags(header) {
		if strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

// tags yields the entity tags of a list, quotes kept. Commas inside quotes do
// not separate.
func tags(header string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for s := header; ; {
			s = strings.TrimLeft(s, " \t,")
			if s == "" {
				return
			}
			n := 0
			if strings.HasPrefix(s, "W/") {
				n = 2
			}
			if n >= len(s) || s[n] != '"' {
				return
			}
			end := strings.IndexByte(s[n+1:], '"')
			if end < 0 {
				return
			}
			end += n + 2
			if !yield(s[:end]) {
				return
			}
			s = s[end:]
		}
	}
}
