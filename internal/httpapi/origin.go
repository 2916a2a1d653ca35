package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// origin is where a request comes from: what the connection says, or what the
// proxies that are trusted say of it.
type origin struct {
	client netip.Addr // the zero address where the connection has none
	told   bool       // the address is a proxy's word, not the connection's
	https  bool       // the client's side of the way is encrypted
	host   string     // the host that the client asked for, with its port
}

// originOf finds the origin of a request. Forwarded (RFC 7239) and the older
// X-Forwarded-For, -Proto and -Host count only when a trusted proxy made the
// connection: anybody else may write them too. Of the addresses that they list, the
// client's is the last one that is no trusted proxy's, since each proxy adds at
// the end what it saw itself, and what lies before that is the client's own word.
func (s *Server) originOf(req *http.Request) (origin, error) {
	o := origin{https: req.TLS != nil, host: req.Host}
	if at, err := netip.ParseAddrPort(req.RemoteAddr); err == nil {
		o.client = at.Addr().Unmap().WithZone("")
	}
	if !s.trusts(o.client) {
		return o, nil
	}
	forwarded, list := req.Header["Forwarded"], req.Header["X-Forwarded-For"]
	switch {
	case len(forwarded) > 0 && len(list) > 0:
		// A proxy writes one of them and may pass the other on as the client sent it.
		a, err := s.forwarded(o, strings.Join(forwarded, ","))
		if err != nil {
			return o, err
		}
		if b := s.forwardedFor(o, list); a.client != b.client {
			return o, newProblem(http.StatusBadRequest, "bad-request", "Forwarded", "Forwarded and X-Forwarded-For name different clients.")
		}
		return a, nil
	case len(forwarded) > 0:
		return s.forwarded(o, strings.Join(forwarded, ","))
	}
	o = s.forwardedFor(o, list)
	if v := req.Header["X-Forwarded-Proto"]; len(v) > 0 {
		o.https = strings.EqualFold(lastOf(v), "https")
	}
	if v := req.Header["X-Forwarded-Host"]; len(v) > 0 {
		o.host = lastOf(v)
	}
	return o, nil
}

// trusts reports whether the address is a trusted proxy's.
func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forwardedFor reads X-Forwarded-For from its end.
func (s *Server) forwardedFor(o origin, values []string) origin {
	for i := len(values) - 1; i >= 0; i-- {
		for rest, more := values[i], true; more; {
			var entry string
			rest, entry, more = cutLast(rest)
			a, ok := nodeAddr(entry)
			if !ok {
				return o // nothing before it can be believed
			}
			o.client, o.told = a, true
			if !s.trusts(a) {
				return o
			}
		}
	}
	return o
}

// forwarded reads the elements of Forwarded from the last one on.
func (s *Server) forwarded(o origin, value string) (origin, error) {
	elements, ok := splitQuoted(value, ',')
	if !ok {
		return o, newProblem(http.StatusBadRequest, "bad-request", "Forwarded", "The header Forwarded cannot be read (RFC 7239).")
	}
	for i := len(elements) - 1; i >= 0; i-- {
		pairs, _ := splitQuoted(elements[i], ';')
		node := ""
		for _, pair := range pairs {
			name, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
			v = unquote(v)
			switch strings.ToLower(name) {
			case "for":
				node = v
			case "proto":
				o.https = strings.EqualFold(v, "https")
			case "host":
				o.host = v
			}
		}
		a, ok := nodeAddr(node)
		if !ok {
			return o, nil // unknown or hidden: the proxy that says so is all that is known
		}
		o.client, o.told = a, true
		if !s.trusts(a) {
			return o, nil
		}
	}
	return o, nil
}

// nodeAddr reads 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or
// [2001:db8::1]:80.
func nodeAddr(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap().WithZone(""), err == nil
}

// lastOf is the last entry of a list over several header lines: what the nearest
// proxy wrote.
func lastOf(values []string) string {
	_, last, _ := cutLast(values[len(values)-1])
	return strings.TrimSpace(last)
}

// cutLast cuts the last entry off a comma-separated list; more is false when it
// was the only one.
func cutLast(s string) (rest, last string, more bool) {
	i := strings.LastIndexByte(s, ',')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// splitQuoted splits at sep outside quoted strings; false when a quote stays open.
func splitQuoted(s string, sep byte) ([]string, bool) {
	var out []string
	begin, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[begin:i])
			begin = i + 1
		}
	}
	return append(out, s[begin:]), !quoted
}

// unquote reads a token or a quoted string.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i+1 < len(s)-1 {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
