package httpapi

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// holdNewcomers keeps new connections from being set up, by a packet filter on the
// listening socket that takes none (socket(7), SO_ATTACH_FILTER); those that are
// set up already can still be accepted. A newcomer asks again after a second, and
// is then refused, or served by the next server. Without the filter all works the
// same, but for connections that arrive in the very moment of closing.
func holdNewcomers(l net.Listener) {
	sc, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	none := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &none})
	})
}
