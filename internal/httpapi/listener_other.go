//go:build !linux

package httpapi

import "net"

// holdNewcomers does nothing where there are no packet filters on sockets.
func holdNewcomers(net.Listener) {}
