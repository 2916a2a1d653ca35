//go:build !linux

package httpapi

import "net"

// holdNewcomers does nothing where a second listen(2) is not known to work.
func holdNewcomers(*net.TCPListener) {}
