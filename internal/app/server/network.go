package server

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"nagar/internal/httpapi"
)

// Networks are address ranges on the command line: 10.0.0.0/8, or one address.
type Networks []netip.Prefix

// UnmarshalText reads ranges with commas between.
func (n *Networks) UnmarshalText(text []byte) error {
	*n = nil
	for s := range strings.SplitSeq(string(text), ",") {
		s = strings.TrimSpace(s)
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, aErr := netip.ParseAddr(s)
			if aErr != nil || a.Zone() != "" {
				return fmt.Errorf("%q: want an address, or a range such as 10.0.0.0/8", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p != p.Masked() {
			return fmt.Errorf("%q: its address has bits outside the range; want %s", s, p.Masked())
		}
		*n = append(*n, p)
	}
	return nil
}

// Quota is --quota: off, or what differs from the default, as
// rate=2000,burst=20000,live=1000,connections=4000. One that is given holds for
// clients on this machine too; the default does not.
type Quota struct {
	bounds httpapi.Quota
	given  bool
}

// UnmarshalText reads the flag.
func (q *Quota) UnmarshalText(text []byte) error {
	q.given = true
	if string(text) == "off" {
		q.bounds = httpapi.Quota{}
		return nil
	}
	q.bounds = httpapi.DefaultQuota
	q.bounds.Loopback = true
	for part := range strings.SplitSeq(string(text), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || n == 0 {
			return fmt.Errorf("%q: want a name, = and a number from 1 on; or off", part)
		}
		switch name {
		case "rate":
			q.bounds.Rate = float64(n)
		case "burst":
			q.bounds.Burst = float64(n)
		case "live":
			q.bounds.Live = int(n)
		case "connections":
			q.bounds.Connections = int(n)
		default:
			return fmt.Errorf("%q: want rate, burst, live or connections", name)
		}
	}
	return nil
}

// value is the quota that holds.
func (q Quota) value() httpapi.Quota {
	if !q.given {
		return httpapi.DefaultQuota
	}
	return q.bounds
}
