package bus

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"nagar/internal/access"
)

// Device is who has an MQTT connection. Near is set where the listener is on
// loopback, which takes devices of this machine without credentials.
type Device struct {
	access.Principal
	Near bool
}

// Errors of MQTTOptions.Take that are the device's doing.
var (
	// ErrBadPayload: the message cannot be read. It is acknowledged, since it would
	// come again and again otherwise.
	ErrBadPayload = errors.New("the payload cannot be read")
	// ErrNotAllowed: the device may not write there. Its connection ends.
	ErrNotAllowed = errors.New("the device may not write there")
)

// MQTTOptions are what an MQTT listener asks and tells.
type MQTTOptions struct {
	Addr string      // host:port; port 0 takes a free one
	TLS  *tls.Config // beyond loopback; nil: in the clear

	// Known says whose token a password is. Not asked for Near devices that show none.
	Known func(ctx context.Context, token string) (access.Principal, error)
	// Take keeps a message; once it returns nil the message is acknowledged. An error
	// that is neither ErrBadPayload nor ErrNotAllowed ends the connection without an
	// acknowledgement, so that the device sends the message again.
	Take func(ctx context.Context, d Device, topic string, payload []byte) error
	// Sees reports whether the device may read what is published under a topic.
	Sees func(d Device, topic string) bool

	Logger *slog.Logger
}

// MQTT is a listener for MQTT 3.1.1 and 5. It is no broker between devices: what
// they publish goes to Take only, and what subscribers get comes from Publish only.
type MQTT struct {
	opts     MQTTOptions
	listener net.Listener
	near     bool
	server   *mqtt.Server
	tokens   sync.Map // *mqtt.Client → string, the password that it came with
}

// The most that one device may hold of us.
const (
	mqttPacket  = 512 << 10
	mqttClients = 20_000
)

// ListenMQTT opens the listener; Run serves it.
func ListenMQTT(o MQTTOptions) (*MQTT, error) {
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	at, ok := l.Addr().(*net.TCPAddr)
	m := &MQTT{opts: o, listener: l, near: ok && at.IP.IsLoopback()}
	if o.TLS != nil && !m.near {
		m.listener = tls.NewListener(l, o.TLS)
	}
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumClients = mqttClients
	limits.MaximumPacketSize = mqttPacket
	limits.RetainAvailable = 0
	limits.SharedSubAvailable = 0
	limits.MaximumSessionExpiryInterval = 0 // we have no messages for who is away
	m.server = mqtt.New(&mqtt.Options{
		InlineClient: true, Capabilities: limits, SysTopicResendInterval: 1 << 30,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), // it tells of each client that goes
	})
	err = m.server.AddHook(&hook{m: m}, nil)
	if err == nil {
		err = m.server.AddListener(listeners.NewNet("mqtt", m.listener))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("MQTT: %w", err), l.Close())
	}
	return m, nil
}

// Addr is the address that the listener has.
func (m *MQTT) Addr() net.Addr { return m.listener.Addr() }

// Near reports whether the listener is on loopback.
func (m *MQTT) Near() bool { return m.near }

// Run serves devices until ctx ends.
func (m *MQTT) Run(ctx context.Context) error {
	if err := m.server.Serve(); err != nil {
		return errors.Join(fmt.Errorf("MQTT: %w", err), m.listener.Close())
	}
	<-ctx.Done()
	return m.server.Close()
}

// Publish sends a message to those who have subscribed to its topic and may see it.
func (m *MQTT) Publish(topic string, payload []byte) {
	_ = m.server.Publish(topic, payload, false, 0) // fails for topics that are none only
}

// Listening reports whether anybody has subscribed to the topic.
func (m *MQTT) Listening(topic string) bool {
	return len(m.server.Topics.Subscribers(topic).Subscriptions) > 0
}

// hook is what the MQTT server asks.
type hook struct {
	mqtt.HookBase
	m *MQTT
}

// ID implements mqtt.Hook.
func (h *hook) ID() string { return "nagar" }

// Provides implements mqtt.Hook.
func (h *hook) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnDisconnect}, b) >= 0
}

// OnConnect takes the will away: it would reach subscribers as if we had published it.
func (h *hook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	cl.Properties.Will = mqtt.Will{}
	return nil
}

// OnConnectAuthenticate implements mqtt.Hook.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	token := string(pk.Connect.Password)
	if _, err := h.m.identify(token); err != nil {
		h.m.opts.Logger.Info("an MQTT device was refused", "client", clip(cl.ID), "from", cl.Net.Remote, "error", err)
		return false
	}
	h.m.tokens.Store(cl, token)
	return true
}

// OnDisconnect implements mqtt.Hook.
func (h *hook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) { h.m.tokens.Delete(cl) }

// OnACLCheck implements mqtt.Hook. What a device may write is for Take to say, which
// sees the payload; what it may read is asked for each subscription, and again for
// each message that it would get.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write {
		return true
	}
	d, err := h.m.device(cl)
	if err != nil || strings.HasPrefix(topic, "$") {
		return false
	}
	if strings.ContainsAny(topic, "+#") {
		return true // what comes of it is asked message by message
	}
	return h.m.opts.Sees(d, topic)
}

// OnPublish implements mqtt.Hook: it returns once the reading is kept, so that the
// server's acknowledgement says just that.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil // Publish, below
	}
	d, err := h.m.device(cl)
	if err == nil {
		err = h.m.opts.Take(context.Background(), d, pk.TopicName, pk.Payload)
	}
	switch {
	case err == nil:
		return pk, packets.CodeSuccessIgnore // acknowledged, and passed on to nobody as it is
	case errors.Is(err, ErrBadPayload):
		if cl.Properties.ProtocolVersion == 5 {
			return pk, packets.ErrPayloadFormatInvalid
		}
		return pk, packets.CodeSuccessIgnore // 3.1.1 has no word for it
	case errors.Is(err, ErrNotAllowed):
		cl.Stop(packets.ErrNotAuthorized)
	default:
		h.m.opts.Logger.Warn("a reading could not be kept; its device is to send it again", "client", clip(cl.ID), "error", err)
		cl.Stop(packets.ErrServerUnavailable)
	}
	return pk, packets.ErrRejectPacket
}

// device is who has the connection, asked again each time: a token may have been revoked.
func (m *MQTT) device(cl *mqtt.Client) (Device, error) {
	token, ok := m.tokens.Load(cl)
	if !ok {
		return Device{}, ErrNotAllowed
	}
	d, err := m.identify(token.(string))
	if err != nil {
		return Device{}, fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	return d, nil
}

// identify says whose token it is; none is good enough on loopback.
func (m *MQTT) identify(token string) (Device, error) {
	if token == "" {
		if !m.near {
			return Device{}, errors.New("a device token as password is needed")
		}
		return Device{Principal: access.Principal{Kind: access.Anonymous}, Near: true}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	who, err := m.opts.Known(ctx, token)
	return Device{Principal: who, Near: m.near}, err
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
