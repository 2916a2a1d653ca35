package catalogtest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"nagar/catalog"
	"nagar/geo"
)

// needTools skips the case when a program that it edits with is not installed,
// and fails it under CI.
func (e *env) needTools() {
	e.Helper()
	programs := []string{"sqlite3", "ogr2ogr", "ogrinfo"}
	if e.h.Dialect == PostGIS {
		programs = []string{"psql", "ogr2ogr", "ogrinfo"}
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") != "" {
				e.Fatalf("%s is not installed", p)
			}
			e.Skipf("%s is not installed", p)
		}
	}
}

// tool runs a program from outside and fails the test when it does.
func (e *env) tool(name string, args ...string) string {
	e.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(e.ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "SQLITE_BUSY_TIMEOUT=60000") // GDAL's own is 5 s
	err := cmd.Run()
	// GDAL's programs end well after an error in SQL.
	if err != nil || strings.Contains(errs.String(), "ERROR") && !strings.Contains(errs.String(), "Spatial index already existing") {
		e.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	return out.String()
}

// sql runs statements through a foreign connection, each in its own transaction:
// psql, or GDAL's SQLite, which knows the functions that a GeoPackage's R-tree needs.
func (e *env) sql(statements ...string) {
	e.Helper()
	for _, s := range statements {
		if e.h.Dialect == PostGIS {
			e.tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", e.location, "-c", s)
		} else {
			e.tool("ogrinfo", "-q", e.location, "-sql", s)
		}
	}
}

// gdal is the location as GDAL opens it.
func (e *env) gdal() string {
	switch {
	case e.h.GDAL != nil:
		return e.h.GDAL(e.location)
	case e.h.Dialect == PostGIS:
		// GDAL 3.6 cannot take a URL: it appends keywords to what it is given.
		u, err := url.Parse(e.location)
		if err != nil {
			e.Fatal(err)
		}
		dsn := fmt.Sprintf("PG:dbname='%s'", strings.TrimPrefix(u.Path, "/"))
		if u.Hostname() != "" {
			dsn += fmt.Sprintf(" host='%s'", u.Hostname())
		}
		if u.Port() != "" {
			dsn += fmt.Sprintf(" port='%s'", u.Port())
		}
		if u.User != nil {
			dsn += fmt.Sprintf(" user='%s'", u.User.Username())
			if pw, ok := u.User.Password(); ok {
				dsn += fmt.Sprintf(" password='%s'", pw)
			}
		}
		for k, v := range u.Query() { // host of a unix socket, sslmode
			dsn += fmt.Sprintf(" %s='%s'", k, v[0])
		}
		return dsn
	}
	return e.location
}

// ogr2ogr writes the file's features into the store from outside.
func (e *env) ogr2ogr(file string, args ...string) {
	e.Helper()
	format := "GPKG"
	if e.h.Dialect == PostGIS {
		format = "PostgreSQL"
	}
	e.tool("ogr2ogr", append([]string{"-f", format, "-update"}, append(args, e.gdal(), file)...)...)
}

// geojson writes features (points, plain properties) to a file for ogr2ogr. The
// id is a property, as ogr2ogr carries it into the column id.
func (e *env) geojson(features ...catalog.Feature) string {
	e.Helper()
	var b []byte
	b = append(b, `{"type":"FeatureCollection","features":[`...)
	for i, f := range features {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n{\"type\":\"Feature\",\"properties\":{\"id\":"...)
		b = catalog.AppendJSONString(b, f.ID)
		for _, p := range f.Props {
			b = append(b, ',')
			b = catalog.AppendJSONString(b, p.Name)
			b = append(b, ':')
			b = p.Value.AppendJSON(b)
		}
		b = fmt.Appendf(b, `},"geometry":{"type":"Point","coordinates":[%v,%v]}}`, f.Geometry.Coords[0], f.Geometry.Coords[1])
	}
	file := filepath.Join(e.TempDir(), "outside.geojson")
	if err := os.WriteFile(file, append(b, "\n]}\n"...), 0o600); err != nil {
		e.Fatal(err)
	}
	return file
}

// pointSQL is a point as a literal of the dialect.
func (e *env) pointSQL(lon, lat float64) string {
	if e.h.Dialect == PostGIS {
		return fmt.Sprintf("ST_SetSRID(ST_MakePoint(%v, %v), 4326)", lon, lat)
	}
	p := geo.NewPoint(lon, lat)
	// GeoPackage header (OGC 12-128r17, 2.1.3): magic, version 0, little-endian without envelope, SRID.
	return "X'" + hex.EncodeToString(geo.AppendWKB([]byte{'G', 'P', 0, 1, 0xe6, 0x10, 0, 0}, &p, geo.ISO)) + "'"
}

// session is a foreign connection held open: psql or the sqlite3 shell.
type session struct {
	e    *env
	in   io.WriteCloser
	out  *bufio.Scanner
	echo string
}

// session starts one; the case's cleanup ends it, and with it what it left open.
func (e *env) session() *session {
	e.Helper()
	s := &session{e: e, echo: "\\echo"}
	cmd := exec.CommandContext(e.ctx, "psql", "-X", "-q", "-d", e.location)
	if e.h.Dialect == GeoPackage {
		s.echo = ".print"
		cmd = exec.CommandContext(e.ctx, "sqlite3", "-cmd", ".timeout 60000", e.location)
	}
	var err error
	if s.in, err = cmd.StdinPipe(); err != nil {
		e.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		e.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	s.out = bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { s.in.Close(); cmd.Wait() })
	return s
}

// do runs statements and returns when they are done.
func (s *session) do(statements ...string) {
	s.e.Helper()
	for _, q := range statements {
		fmt.Fprintf(s.in, "%s;\n%s done\n", q, s.echo)
		for {
			if !s.out.Scan() {
				s.e.Fatalf("%s: the session ended", q)
			}
			line := s.out.Text()
			if line == "done" {
				break
			}
			if strings.Contains(strings.ToLower(line), "error") {
				s.e.Fatalf("%s: %s", q, line)
			}
		}
	}
}
