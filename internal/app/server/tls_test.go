package server

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/internal/app"
)

// offered is what a server with this configuration shows to a client, or the
// client's error.
func offered(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake() // the client says what came of it
			_ = c.Close()
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

// TestSelfSigned: the certificate is made once, kept, private, printed by its
// fingerprint, and good for this machine's names and for no others.
func TestSelfSigned(t *testing.T) {
	at := app.Location{Path: filepath.Join(t.TempDir(), "city.gpkg")}
	flags := ServerFlags{TLSSelfSigned: true, PublicURL: "https://nagar.test:8443"}
	start := func() (*tls.Config, string) {
		var out bytes.Buffer
		c, err := tlsConfig(&flags, at, slog.New(slog.DiscardHandler), &out)
		if err != nil {
			t.Fatal(err)
		}
		return c, out.String()
	}
	config, first := start()
	file := filepath.Join(at.Path+".d", "tls.pem")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(first, "PRIVATE") {
		t.Error("the key is printed")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		t.Fatal("no certificate in the file")
	}
	for _, name := range []string{"localhost", "127.0.0.1", "nagar.test"} {
		state, err := offered(t, config, &tls.Config{RootCAs: pool, ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if sum := fmt.Sprintf("%X", sha256.Sum256(state.PeerCertificates[0].Raw)); !strings.Contains(strings.ReplaceAll(first, ":", ""), sum) {
			t.Errorf("%q does not hold the fingerprint %s", first, sum)
		}
	}
	if _, err := offered(t, config, &tls.Config{RootCAs: pool, ServerName: "bank.example"}); err == nil {
		t.Error("it is good for a stranger's name")
	}
	if _, err := offered(t, config, &tls.Config{RootCAs: pool, ServerName: "localhost", MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	if _, again := start(); strings.Replace(again, "(kept", "(new", 1) != first {
		t.Errorf("a second start says\n%s, the first\n%s", again, first)
	}
	flags.PublicURL = "https://moved.test"
	if config, _ = start(); func() bool {
		_, err := offered(t, config, &tls.Config{RootCAs: pool, ServerName: "localhost"})
		return err == nil
	}() {
		t.Error("a certificate without the public name was kept")
	}
}

// TestSelfSignedKeySignsNothingElse: whoever got the key could not use it to pose
// as another site to those who trust the certificate.
func TestSelfSignedKeySignsNothingElse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tls.pem")
	if _, err := keepSelfSigned(file, []string{"localhost", "127.0.0.1", "here"}); err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(own.Leaf)
	forged := func(template x509.Certificate) error {
		template.SerialNumber, template.NotBefore, template.NotAfter = own.Leaf.SerialNumber, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(nil, &template, own.Leaf, own.Leaf.PublicKey, own.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		return err
	}
	if err := forged(x509.Certificate{DNSNames: []string{"bank.example"}}); err == nil {
		t.Error("a forged certificate of bank.example is taken")
	}
	if err := forged(x509.Certificate{IPAddresses: []net.IP{net.IPv4(8, 8, 8, 8)}}); err == nil {
		t.Error("a forged certificate of 8.8.8.8 is taken")
	}
}

// TestCertificateIsReadAgain replaces the files of a running server; a file that
// cannot be read leaves the old certificate.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(b []byte) {
		if err := os.WriteFile(cert, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	selfSigned(t, dir)
	f := ServerFlags{TLSCert: cert, TLSKey: key}
	var log bytes.Buffer
	config, err := tlsConfig(&f, app.Location{}, slog.New(slog.NewTextHandler(&log, nil)), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		state, err := offered(t, config, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		return fingerprint(state.PeerCertificates[0])
	}
	first := shown()
	write([]byte("half a certi"))
	if shown() != first || !strings.Contains(log.String(), "the one from before stays") {
		t.Errorf("a broken file is not reported, or used: %s", log.String())
	}
	selfSigned(t, dir)
	if shown() == first {
		t.Error("a renewed certificate is not shown")
	}
	if _, err := tlsConfig(&ServerFlags{TLSCert: filepath.Join(dir, "none.pem"), TLSKey: key}, app.Location{}, nil, io.Discard); err == nil {
		t.Error("a file that is not there is taken")
	}
}

// TestServesSelfSigned asks a whole server: HTTPS answers, and no browser is told
// to come by HTTPS for a year because of a certificate of our own making.
func TestServesSelfSigned(t *testing.T) {
	store := filepath.Join(t.TempDir(), "city.gpkg")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(client.CloseIdleConnections)
	base := serve(t, ServerFlags{Store: store, TLSSelfSigned: true}, client)
	r, err := client.Get(base + "/api/city")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || r.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	raw, err := os.ReadFile(filepath.Join(store+".d", "tls.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(raw); !bytes.Equal(block.Bytes, r.TLS.PeerCertificates[0].Raw) {
		t.Error("another certificate than the one that is kept")
	}
}
