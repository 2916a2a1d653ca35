//go:build peers

package benchpeers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// tile38 starts Tile38, puts the city into it, and returns how to ask it by a
// command with places for a query's numbers; nobody where it is not installed.
func (b *bench) tile38() (func(format string) func(*http.Client, string) (int64, error), []int) {
	at := b.address()
	host, port, _ := net.SplitHostPort(at)
	dir := filepath.Join(b.dir, "tile38")
	pids := b.start("Tile38", "tcp://"+at, nil, "tile38-server", "-d", dir, "-h", host, "-p", port, "-appendonly", "no")
	if pids == nil {
		return nil, nil
	}
	b.tile38Load(at)
	var mu sync.Mutex
	open := map[*http.Client]*resp{} // the load generator has one client each
	return func(format string) func(*http.Client, string) (int64, error) {
		return func(client *http.Client, item string) (int64, error) {
			mu.Lock()
			c := open[client]
			if c == nil {
				var err error
				if c, err = dialResp(at); err != nil {
					mu.Unlock()
					return 0, err
				}
				open[client] = c
			}
			mu.Unlock()
			fields := strings.Fields(item)
			args := make([]any, len(fields))
			for i := range fields {
				args[i] = fields[i]
			}
			if err := c.send(strings.Fields(fmt.Sprintf(format, args...))...); err != nil {
				return 0, err
			}
			if err := c.w.Flush(); err != nil {
				return 0, err
			}
			return c.receive()
		}
	}, pids
}

// tile38Load sends every building, without the numbering that only the file has.
func (b *bench) tile38Load(at string) {
	c, err := dialResp(at)
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.c.Close()
	f, err := os.Open(b.city.file)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	read := make(chan error, 1)
	sent := make(chan struct{}, 1<<12)
	go func() {
		for range sent {
			if _, err := c.receive(); err != nil {
				read <- err
				return
			}
		}
		read <- nil
	}()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 0; lines.Scan(); n++ {
		var one struct {
			Type       string                     `json:"type"`
			Properties map[string]json.RawMessage `json:"properties"`
			Geometry   json.RawMessage            `json:"geometry"`
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			b.t.Fatal(err)
		}
		delete(one.Properties, "gid")
		text, err := json.Marshal(one)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := c.send("SET", "buildings", strconv.Itoa(n), "OBJECT", string(text)); err != nil {
			b.t.Fatal(err)
		}
		sent <- struct{}{}
		if n%1000 == 0 {
			_ = c.w.Flush()
		}
	}
	_ = c.w.Flush()
	close(sent)
	if err := <-read; err != nil {
		b.t.Fatal(err)
	}
}

// resp is a connection in the Redis serialisation protocol, RESP 2.
type resp struct {
	c net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

func dialResp(at string) (*resp, error) {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return nil, err
	}
	return &resp{c, bufio.NewReaderSize(c, 256<<10), bufio.NewWriterSize(c, 256<<10)}, nil
}

// send buffers a command.
func (c *resp) send(words ...string) error {
	_, err := fmt.Fprintf(c.w, "*%d\r\n", len(words))
	for _, s := range words {
		_, err = fmt.Fprintf(c.w, "$%d\r\n%s\r\n", len(s), s)
	}
	return err
}

// receive reads an answer and returns the bytes of what it holds.
func (c *resp) receive() (int64, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	kind, text := line[0], string(bytes.TrimSpace(line[1:]))
	switch kind {
	case '-':
		return 0, fmt.Errorf("tile38: %s", text)
	case '$':
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, err
		}
		_, err = io.CopyN(io.Discard, c.r, int64(n+2))
		return int64(n), err
	case '*':
		n, err := strconv.Atoi(text)
		sum := int64(0)
		for range n {
			var one int64
			if one, err = c.receive(); err != nil {
				return 0, err
			}
			sum += one
		}
		return sum, err
	}
	return int64(len(text)), nil
}
