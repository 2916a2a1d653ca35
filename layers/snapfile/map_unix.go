//go:build unix

package snapfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file for reading; it may be closed then.
func mapFile(f *os.File) (data []byte, done func(), err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() < headerLen || int64(int(info.Size())) != info.Size() {
		return nil, nil, fmt.Errorf("%w: it has %d bytes", ErrBroken, info.Size())
	}
	if data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, nil, fmt.Errorf("map it: %w", err)
	}
	return data, func() { _ = unix.Munmap(data) }, nil
}

func release(data []byte) { _ = unix.Madvise(data, unix.MADV_DONTNEED) }

// lock takes the lock of a folder; false when another process has it.
func lock(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, false, f.Close()
	case err != nil:
		return nil, false, errors.Join(err, f.Close())
	}
	return f, true, nil
}
