package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"nagar/internal/app"
)

// tlsConfig is TLS with the certificate that the flags name; without one it is
// nil, and the server speaks plain HTTP.
func tlsConfig(f *ServerFlags, l app.Location, log *slog.Logger, out io.Writer) (*tls.Config, error) {
	cert, key := f.TLSCert, f.TLSKey
	switch {
	case f.TLSSelfSigned:
		folder, err := l.Folder()
		if err != nil {
			return nil, fmt.Errorf("folder of the store: %w", err)
		}
		cert = filepath.Join(folder, "tls.pem") // both in one file: they change together
		key = cert
		made, err := keepSelfSigned(cert, ownNames(f.PublicURL))
		if err != nil {
			return nil, fmt.Errorf("--tls-self-signed: %w", err)
		}
		fmt.Fprintln(out, made)
	case cert == "":
		return nil, nil
	}
	k := &keyPair{certFile: cert, keyFile: key, log: log}
	if err := k.load(); err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return &tls.Config{GetCertificate: k.certificate, MinVersion: tls.VersionTLS12}, nil
}

// keyPair is a certificate and its key, read again when their files change, so
// that one that was renewed needs no restart.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu   sync.Mutex
	have *tls.Certificate
	seen [2]fileState // of what have was read from, or what could not be read
}

// fileState tells one content of a file from another.
type fileState struct {
	size     int64
	modified int64
}

// certificate is called for each handshake; looking at two files is nothing
// beside what a handshake costs.
func (k *keyPair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if state, err := k.state(); err == nil && state != k.seen {
		if err := k.read(state); err != nil { // half written, maybe: the old one still works
			k.log.Warn("the certificate's files changed and cannot be used; the one from before stays", "file", k.certFile, "error", err)
		}
	}
	return k.have, nil
}

func (k *keyPair) load() error {
	state, err := k.state()
	if err != nil {
		return err
	}
	return k.read(state)
}

func (k *keyPair) state() (out [2]fileState, err error) {
	for i, name := range [2]string{k.certFile, k.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return out, err
		}
		out[i] = fileState{info.Size(), info.ModTime().UnixNano()}
	}
	return out, nil
}

func (k *keyPair) read(state [2]fileState) error {
	k.seen = state
	cert, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return err
	}
	k.have = &cert
	return nil
}

// writeSecret writes a file of mode 0600 as a whole: no reader sees half of it.
func writeSecret(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		if rmErr := os.Remove(f.Name()); !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return err
}
