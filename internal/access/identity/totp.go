package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"time"

	"github.com/pquerna/otp/hotp"
)

// A second factor by RFC 6238 as every authenticator has it: SHA-1, six digits,
// steps of thirty seconds.
const step = 30

// newTOTP makes a secret of 160 bits (RFC 4226, section 4), in base 32.
func newTOTP() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// totpURI is what an authenticator reads from a QR code.
func totpURI(issuer, account, secret string) string {
	q := url.Values{"secret": {secret}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + q.Encode()
}

// totpStep finds the step whose code this is: now's, the one before or the one
// after, as clocks differ, and later than the last one used, so that a code is good
// once. It is 0 when there is none.
func totpStep(secret, code string, now time.Time, last int64) int64 {
	found := int64(0)
	current := now.Unix() / step
	for at := current - 1; at <= current+1; at++ {
		want, err := hotp.GenerateCode(secret, uint64(at))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > last {
			found = at
		}
	}
	return found
}
