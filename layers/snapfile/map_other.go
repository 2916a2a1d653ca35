//go:build !unix

package snapfile

import (
	"io"
	"os"
)

// mapFile reads a file whole where it cannot be mapped.
func mapFile(f *os.File) (data []byte, done func(), err error) {
	data, err = io.ReadAll(io.NewSectionReader(f, 0, 1<<62))
	return data, func() {}, err
}

func release([]byte) {}

// lock opens the file alone: such systems are for one process at a time.
func lock(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	return f, err == nil, err
}
