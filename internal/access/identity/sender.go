package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Sender brings a code to a phone (E.164) or e-mail address.
type Sender interface {
	Send(ctx context.Context, contact, code string) error
}

type message struct{ contact, code string }

// NewSender makes the Sender that the text describes: file:PATH appends a line of
// JSON to a file that only its owner reads, for development; an https URL (http on
// this machine only) takes the same as the body of a POST, for the city's SMS or mail
// gateway; "" is none.
func NewSender(text string) (Sender, error) {
	if text == "" {
		return nil, nil
	}
	if path, ok := strings.CutPrefix(text, "file:"); ok && path != "" {
		return fileSender(path), nil
	}
	u, err := url.Parse(text)
	if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())) {
		return &hookSender{url: text, client: &http.Client{Timeout: 10 * time.Second}}, nil
	}
	return nil, errors.New("--code-sender: want file:PATH or an https URL")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// body is what both senders say.
func body(contact, code string) []byte {
	b, _ := json.Marshal(struct {
		Contact string `json:"contact"`
		Code    string `json:"code"`
		Minutes int    `json:"minutes"`
	}{contact, code, int(CodeTime.Minutes())}) // texts and numbers always marshal
	return append(b, '\n')
}

type fileSender string

// Send implements Sender.
func (path fileSender) Send(_ context.Context, contact, code string) error {
	f, err := os.OpenFile(string(path), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write a code: %w", err)
	}
	_, err = f.Write(body(contact, code))
	return errors.Join(err, f.Close())
}

type hookSender struct {
	url    string // may hold a key of the gateway's: not for logs
	client *http.Client
}

// Send implements Sender.
func (h *hookSender) Send(ctx context.Context, contact, code string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body(contact, code)))
	if err != nil {
		return errors.New("the gateway's address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address
		}
		return fmt.Errorf("reach the gateway for codes: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be kept
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the gateway for codes answered %d", resp.StatusCode)
	}
	return nil
}
