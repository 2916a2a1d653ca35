package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// ErrNoTerminal: a secret was to be printed where others may read it later.
var ErrNoTerminal = errors.New("secrets are printed to a terminal only; --to FILE keeps this one in a file that only you can read")

// IsTerminal reports whether somebody reads what is written to out, and nothing keeps it.
func IsTerminal(out io.Writer) bool {
	t, ok := out.(*os.File)
	return ok && term.IsTerminal(int(t.Fd()))
}

// KeepSecret writes the text to a new file in place of an old one, with mode 0600.
func KeepSecret(file, text string) error {
	// An old one may have another mode, or be open.
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, text); err != nil {
		return fmt.Errorf("%s: %w", file, errors.Join(err, f.Close()))
	}
	return f.Close()
}
