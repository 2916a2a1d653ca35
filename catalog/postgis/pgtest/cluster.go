package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// minVersion is the first PostgreSQL that the store supports.
const minVersion = 15

// startCluster makes and starts a cluster in a temporary directory and returns
// the URL of its database postgres.
func startCluster() (string, error) {
	bin, err := findBinaries()
	if err != nil {
		return "", err
	}
	owner, err := serverUser()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "nagar-pg-")
	if err != nil {
		return "", err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", err
		}
	}
	// The watchdog comes first: it removes what a failed start leaves too.
	if err := startWatchdog(bin, dir, owner); err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	if out, err := run(owner, dir, filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres",
		"--no-sync", "-E", "UTF8", "--locale=C"); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	var last error
	for range 5 { // another process may take the port between choosing and binding
		port, err := freePort()
		if err != nil {
			return "", err
		}
		options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories=%s "+
			"-c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=256MB "+
			"-c max_wal_size=4GB -c autovacuum_naptime=10s -c timezone=UTC", port, dir)
		out, err := run(owner, dir, filepath.Join(bin, "pg_ctl"), "-D", data, "-l", filepath.Join(dir, "log"),
			"-w", "-t", "300", "-o", options, "start")
		if err == nil {
			return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port), nil
		}
		last = fmt.Errorf("pg_ctl start: %w: %s", err, out)
	}
	return "", last
}

// findBinaries returns the directory of the newest PostgreSQL's programs.
func findBinaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	best, bestVersion := "", 0
	for _, d := range dirs {
		out, err := exec.Command(filepath.Join(d, "postgres"), "--version").Output()
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(d, "initdb")); err != nil {
			continue
		}
		words := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 (...)
		if len(words) < 3 {
			continue
		}
		major, _, _ := strings.Cut(words[2], ".")
		if v, err := strconv.Atoi(major); err == nil && v >= minVersion && v > bestVersion {
			best, bestVersion = d, v
		}
	}
	if best == "" {
		return "", fmt.Errorf("no PostgreSQL %d or later found (pg_config, /usr/lib/postgresql/*/bin); on Debian: apt install postgresql-15-postgis-3", minVersion)
	}
	return best, nil
}

// serverUser is whom the server runs as: PostgreSQL refuses root, so root hands
// over to the user postgres; nil means the caller.
func serverUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New("running as root and there is no user postgres to run the server as")
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// run runs a program as owner and returns what it printed. The output goes
// through a file: the server that pg_ctl leaves behind would keep a pipe open.
func run(owner *syscall.Credential, dir, program string, args ...string) ([]byte, error) {
	out, err := os.CreateTemp(dir, "out-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	// A session of its own: Ctrl-C on the tests must not reach the server before
	// the watchdog stops it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setsid: true}
	err = cmd.Run()
	text, readErr := os.ReadFile(out.Name())
	return bytes.TrimSpace(text), errors.Join(err, readErr)
}

// startWatchdog starts a shell that waits for the end of this process, which it
// sees as the end of its standard input, and then stops the cluster and removes it.
func startWatchdog(bin, dir string, owner *syscall.Credential) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	script := `cat >/dev/null; "$1/pg_ctl" -D "$2/data" -m immediate -w -t 20 stop >/dev/null 2>&1; rm -rf "$2"`
	cmd := exec.Command("/bin/sh", "-c", script, "watchdog", bin, dir)
	cmd.Dir, cmd.Stdin = "/", r
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	watched = w
	return nil
}

// watched is held open until the process ends, which is how the watchdog knows.
//
//lint:ignore U1000 it is there to be open, not to be read
var watched *os.File

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
