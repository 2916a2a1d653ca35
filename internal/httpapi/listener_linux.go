package httpapi

import (
	"net"
	"syscall"
)

// holdNewcomers shrinks the listener's queue to one connection (listen(2) may be
// called again); the kernel drops the first packet of those who find it full.
func holdNewcomers(l *net.TCPListener) {
	raw, err := l.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) }) // it works without, less sharply
}
