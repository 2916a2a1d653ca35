package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"nagar/internal/app"
)

// AdminToken returns the administrator's token of the store: given, when it is
// not empty; else the one kept in the store's folder; else a new one, which is
// kept there with mode 0600 and printed to out if that is a terminal.
func AdminToken(l app.Location, given string, out io.Writer) (string, error) {
	if given != "" {
		return given, nil
	}
	folder, err := l.Folder()
	if err != nil {
		return "", fmt.Errorf("folder of the store: %w", err)
	}
	file := filepath.Join(folder, "admin-token")
	if token, err := readToken(file); !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	token := rand.Text()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return readToken(file)
	}
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(f, token); err != nil {
		return "", errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if t, ok := out.(*os.File); ok && term.IsTerminal(int(t.Fd())) {
		fmt.Fprintf(out, "administrator's token (kept in %s): %s\n", file, token)
	}
	return token, nil
}

func readToken(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("%s is empty: remove it, and a new token is made", file)
	}
	return token, nil
}
