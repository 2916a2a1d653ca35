// Package pgtest gives tests a throw-away PostgreSQL with PostGIS: one cluster
// per test process, one fresh database per call of Start. A watchdog process
// removes the cluster when the test process ends in whatever way, kill -9
// included, so that no test needs a TestMain.
package pgtest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvURL names the environment variable that, when set, gives the URL of a
// server (a role that may create databases and extensions) to use in place of a
// cluster of our own.
const EnvURL = "NAGAR_TEST_POSTGRES"

const template = "nagar_test_template"

var (
	serverOnce sync.Once
	serverURL  string
	errServer  error
	databases  atomic.Int64
)

// Start returns the URL of a fresh database that has the postgis extension and
// nothing else; it is dropped, connections and all, when t ends. Where there is
// no PostgreSQL 15 or later with PostGIS the test is skipped, saying why, or
// fails when the environment has CI set.
func Start(t testing.TB) string {
	t.Helper()
	serverOnce.Do(func() { serverURL, errServer = server() })
	if errServer != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("pgtest: %v", errServer)
		}
		t.Skipf("pgtest: %v", errServer)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := fmt.Sprintf("nagar_test_%d_%d", os.Getpid(), databases.Add(1))
	if err := execute(ctx, serverURL, fmt.Sprintf(`create database %s template %s`, name, templateName())); err != nil {
		t.Fatalf("pgtest: create database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := execute(ctx, serverURL, fmt.Sprintf(`drop database if exists %s with (force)`, name)); err != nil {
			t.Errorf("pgtest: drop database: %v", err)
		}
	})
	return withDatabase(serverURL, name)
}

// server returns the URL of a running server that has the template database.
func server() (string, error) {
	base := os.Getenv(EnvURL)
	if base == "" {
		var err error
		if base, err = startCluster(); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, s := range []string{
		`drop database if exists ` + templateName(),
		`create database ` + templateName() + ` encoding 'UTF8' template template0`,
	} {
		if err := execute(ctx, base, s); err != nil {
			return "", fmt.Errorf("make the template database: %w", err)
		}
	}
	if err := execute(ctx, withDatabase(base, templateName()), `create extension postgis`); err != nil {
		return "", fmt.Errorf("PostGIS is not installed in this PostgreSQL: %w", err)
	}
	return base, nil
}

// templateName differs by process, so that several test processes can share the
// server that EnvURL names.
func templateName() string { return fmt.Sprintf("%s_%d", template, os.Getpid()) }

func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

func withDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // execute will report it
	}
	u.Path = "/" + name
	return u.String()
}

// GDAL returns the data source name by which GDAL opens the database of a URL that
// Start gave. The URL itself will not do: GDAL 3.6 appends key=value pairs to it.
func GDAL(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "PG:" + dsn
	}
	s := fmt.Sprintf("PG:host=%s port=%s dbname=%s user=%s", u.Hostname(), cmp.Or(u.Port(), "5432"), strings.TrimPrefix(u.Path, "/"), u.User.Username())
	if p, ok := u.User.Password(); ok {
		s += " password=" + p
	}
	return s
}
