package bus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/internal/access"
)

// device is an MQTT 3.1.1 client that waits for each acknowledgement, in a few lines
// of its own, so that a test sees the very bytes.
type device struct {
	net.Conn
	id uint16
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

func packet(kind byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	out := []byte{kind}
	for n := len(body); ; {
		b := byte(n & 0x7f)
		if n >>= 7; n > 0 {
			b |= 0x80
		}
		if out = append(out, b); n == 0 {
			return append(out, body...)
		}
	}
}

// connect returns the code of CONNACK (MQTT 3.1.1, section 3.2), -1 when none comes.
func connect(t *testing.T, address, id, token string) (*device, int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return nil, -1
	}
	flags, tail := byte(2), text(id)
	if token != "" {
		flags |= 0xc0
		tail = slices.Concat(tail, text("device"), text(token))
	}
	_, _ = conn.Write(packet(0x10, text("MQTT"), []byte{4, flags, 0, 60}, tail))
	answer := make([]byte, 4)
	if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != 0x20 {
		return &device{Conn: conn}, -1
	}
	return &device{Conn: conn}, int(answer[3])
}

func dial(t *testing.T, address, id, token string) *device {
	t.Helper()
	d, code := connect(t, address, id, token)
	if code != 0 {
		t.Errorf("%s: connect: %d", id, code)
	}
	return d
}

// publish sends with QoS 1 and reports whether PUBACK came.
func (d *device) publish(topic string, payload []byte) bool {
	d.id = d.id%60000 + 1
	id := binary.BigEndian.AppendUint16(nil, d.id)
	if _, err := d.Write(packet(0x32, text(topic), id, payload)); err != nil {
		return false
	}
	answer := make([]byte, 4)
	_, err := io.ReadFull(d, answer)
	return err == nil && answer[0] == 0x40 && slices.Equal(answer[2:], id)
}

// taken is what a listener was given.
type taken struct {
	mu   sync.Mutex
	all  []string
	fail error
}

func (k *taken) take(_ context.Context, d Device, topic string, payload []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	k.all = append(k.all, fmt.Sprintf("%s %s %s", d.ID, topic, payload))
	return nil
}

func (k *taken) failWith(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = err
}

func listen(t *testing.T, address string, k *taken) *MQTT {
	t.Helper()
	l, err := ListenMQTT(MQTTOptions{
		Addr: address, Logger: quiet(), Take: k.take,
		Known: func(_ context.Context, token string) (access.Principal, error) {
			if token != "right" {
				return access.Principal{}, errors.New("unknown")
			}
			return access.Principal{Kind: access.Token, ID: "station-7"}, nil
		},
		Sees: func(_ Device, topic string) bool { return !strings.Contains(topic, "secret") },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return l
}

func TestWhoMayConnect(t *testing.T) {
	k := &taken{}
	near, far := listen(t, "127.0.0.1:0", k), listen(t, "0.0.0.0:0", k)
	_, port, _ := net.SplitHostPort(far.Addr().String())
	for _, c := range []struct {
		address, token string
		want           int
	}{
		{near.Addr().String(), "", 0}, {near.Addr().String(), "right", 0}, {near.Addr().String(), "wrong", 5},
		{"127.0.0.1:" + port, "", 5}, {"127.0.0.1:" + port, "wrong", 5}, {"127.0.0.1:" + port, "right", 0},
	} {
		d, got := connect(t, c.address, "x", c.token)
		if got != c.want {
			t.Errorf("%s with %q: %d, want %d", c.address, c.token, got, c.want)
		}
		if got == 0 && !d.publish("a", []byte("b")) {
			t.Errorf("%s with %q: no PUBACK", c.address, c.token)
		}
		_ = d.Close()
	}
	if want := []string{" a b", "station-7 a b", "station-7 a b"}; !slices.Equal(k.all, want) {
		t.Errorf("taken: %q", k.all)
	}
	if _, err := ListenMQTT(MQTTOptions{Addr: near.Addr().String()}); err == nil {
		t.Error("a port that is taken was taken again")
	}
}

// TestAcknowledgement: PUBACK says that the reading is kept, and comes for one that
// nobody could ever read; otherwise the connection ends.
func TestAcknowledgement(t *testing.T) {
	k := &taken{}
	l := listen(t, "127.0.0.1:0", k)
	for _, c := range []struct {
		fail error
		want bool
	}{{nil, true}, {fmt.Errorf("x: %w", ErrBadPayload), true}, {ErrNotAllowed, false}, {ErrUnavailable, false}} {
		k.failWith(c.fail)
		d := dial(t, l.Addr().String(), "d", "")
		if got := d.publish("a", []byte("b")); got != c.want {
			t.Errorf("%v: acknowledged %v", c.fail, got)
		}
		_ = d.Close()
	}
}

// TestMosquitto uses a client that is not ours, with every QoS, a will, and a retained
// message; what devices say reaches no other device by itself.
func TestMosquitto(t *testing.T) {
	for _, tool := range []string{"mosquitto_pub", "mosquitto_sub"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip("make test installs mosquitto-clients: " + err.Error())
		}
	}
	k := &taken{}
	l := listen(t, "127.0.0.1:0", k)
	host, port, _ := net.SplitHostPort(l.Addr().String())
	args := []string{"-h", host, "-p", port}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sub := exec.CommandContext(ctx, "mosquitto_sub", append(args, "-t", "#", "-C", "1", "-v")...)
	var heard strings.Builder
	sub.Stdout = &heard
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	for !l.Listening("v1.1/Datastreams(1)/Observations") {
		if ctx.Err() != nil {
			t.Fatal("mosquitto_sub does not subscribe")
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, version := range []string{"mqttv311", "mqttv5"} {
		for _, qos := range []string{"0", "1", "2"} {
			out, err := exec.CommandContext(ctx, "mosquitto_pub", append(args, "-V", version, "-q", qos, "-r", "-t", "v1.1/Datastreams(1)/Observations", "-m", version+qos,
				"--will-topic", "v1.1/Datastreams(1)/Observations", "--will-payload", "will")...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s QoS %s: %v %s", version, qos, err, out)
			}
		}
	}
	for {
		k.mu.Lock()
		n := len(k.all)
		k.mu.Unlock()
		if n == 6 {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of 6 came", n)
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.Publish("v1.1/secret", []byte("not for you"))
	l.Publish("v1.1/Datastreams(1)/Observations", []byte("ours"))
	if err := sub.Wait(); err != nil || heard.String() != "v1.1/Datastreams(1)/Observations ours\n" {
		t.Errorf("heard %q %v", heard.String(), err)
	}
}
