package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A certificate of our own is good for as long as browsers take one (397 days),
// and is made anew a month before its end.
const (
	selfSignedLife  = 390 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
)

// keepSelfSigned sees to it that the file holds a certificate for these names and
// addresses, signed by itself, and its key; one that still serves is kept. It
// returns what people need to know of it: the fingerprint that a browser shows.
func keepSelfSigned(file string, names []string) (string, error) {
	cert, err := readSelfSigned(file, names)
	what := "kept"
	if err != nil {
		return "", err
	}
	if cert == nil {
		what = "new"
		if cert, err = makeSelfSigned(file, names); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("certificate (%s, until %s): %s, for %s\nSHA-256 fingerprint: %s",
		what, cert.NotAfter.Format(time.DateOnly), file, strings.Join(names, ", "), fingerprint(cert)), nil
}

// readSelfSigned is nil when there is none, or none that still serves.
func readSelfSigned(file string, names []string) (*x509.Certificate, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is no error
	}
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return nil, fmt.Errorf("%s (remove it, and a new one is made): %w", file, err)
	}
	cert := pair.Leaf
	if time.Now().Add(selfSignedRenew).After(cert.NotAfter) {
		return nil, nil //nolint:nilnil // as above
	}
	for _, name := range names {
		if cert.VerifyHostname(name) != nil {
			return nil, nil //nolint:nilnil // as above
		}
	}
	return cert, nil
}

func makeSelfSigned(file string, names []string) (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	// Tablets take a certificate as trusted only when it is an authority's. This
	// one is an authority for its own names and for nothing else, so that the key
	// is of no use against other sites.
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"Nagar"}, CommonName: "Nagar on " + names[len(names)-1]},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(selfSignedLife),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			if v4 := ip.To4(); v4 != nil {
				ip = v4
			}
			template.IPAddresses = append(template.IPAddresses, ip)
			template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
		template.PermittedDNSDomains = append(template.PermittedDNSDomains, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := pem.Encode(&text, block); err != nil {
			return nil, err
		}
	}
	if err := writeSecret(file, text.Bytes()); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// fingerprint is how browsers show it: AB:CD:...
func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// ownNames are the names and addresses by which this machine may be asked for:
// localhost, its IPv4 addresses (those of IPv6 change by the day), the public
// URL's host, its host name last.
func ownNames(publicURL string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	add := func(name string) {
		if name = strings.ToLower(name); plainName.MatchString(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if addresses, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
				add(n.IP.String())
			}
		}
	}
	if u, err := url.Parse(publicURL); err == nil {
		add(u.Hostname())
	}
	if host, err := os.Hostname(); err == nil {
		if !strings.Contains(host, ".") {
			add(host + ".local") // as tablets find it without a name server
		}
		add(host)
	}
	return names
}

var plainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
