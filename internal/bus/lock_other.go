//go:build !unix

package bus

import "os"

// takeLock opens the file alone: such systems are for one process at a time.
func takeLock(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	return f, err == nil, err
}
