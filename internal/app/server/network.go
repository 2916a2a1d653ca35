package server

import (
	"fmt"
	"net/netip"
	"strings"
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
