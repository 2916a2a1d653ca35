package postgis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// binaryRows are the rows of a query in binary form, as they come from the server.
type binaryRows struct {
	rr  *pgconn.ResultReader
	end bool
	err error
}

// queryBinary runs a query without preparing it. It goes below pgx, which would
// ask for text. The arguments are of the types that textArg knows.
func queryBinary(ctx context.Context, conn *pgx.Conn, sql string, args ...any) (*binaryRows, error) {
	values, err := textArgs(args)
	if err != nil {
		return nil, err
	}
	rr := conn.PgConn().ExecParams(ctx, sql, values, nil, nil, []int16{pgx.BinaryFormatCode})
	return &binaryRows{rr: rr}, nil
}

// next moves to the next row.
func (r *binaryRows) next() bool {
	if r.end {
		return false
	}
	if r.rr.NextRow() {
		return true
	}
	r.close()
	return false
}

// values are those of the row, until next is called; null is nil.
func (r *binaryRows) values() [][]byte { return r.rr.Values() }

// close reads what is left and returns the query's error.
func (r *binaryRows) close() error {
	if !r.end {
		r.end = true
		_, r.err = r.rr.Close()
	}
	return r.err
}

// trip is a run of statements that go to the server together: one round trip, and
// one wait for a turn on the processor, instead of one for each. After the first
// that fails the server skips the rest.
type trip struct {
	batch  pgconn.Batch
	takers []taker
	err    error // of an argument
}

// taker takes what comes back of one statement; each may be nil.
type taker struct {
	row  func([][]byte) error // each row, in binary form; its memory is good until it returns
	rows *int64               // how many rows the statement was about
}

func (t *trip) exec(sql string, args ...any) { t.add(taker{}, sql, args...) }

func (t *trip) add(take taker, sql string, args ...any) {
	values, err := textArgs(args)
	if err != nil && t.err == nil {
		t.err = err
	}
	t.batch.ExecParams(sql, values, nil, nil, []int16{pgx.BinaryFormatCode})
	t.takers = append(t.takers, take)
}

// send runs the statements and returns the first error: the server's, else a taker's.
func (t *trip) send(ctx context.Context, conn *pgx.Conn) error {
	if t.err != nil {
		return t.err
	}
	results, err := conn.PgConn().ExecBatch(ctx, &t.batch), error(nil)
	for i := 0; results.NextResult() && i < len(t.takers); i++ {
		take, rr := t.takers[i], results.ResultReader()
		for rr.NextRow() {
			if take.row != nil && err == nil {
				err = take.row(rr.Values())
			}
		}
		tag, _ := rr.Close() // its error is that of them all
		if take.rows != nil {
			*take.rows = tag.RowsAffected()
		}
	}
	if failed := results.Close(); failed != nil {
		return failed
	}
	return err
}

// textArgs are arguments in PostgreSQL's text form.
func textArgs(args []any) ([][]byte, error) {
	values := make([][]byte, len(args))
	for i, a := range args {
		b, err := textArg(a)
		if err != nil {
			return nil, err
		}
		values[i] = b
	}
	return values, nil
}

// textArg is an argument in PostgreSQL's text form.
func textArg(a any) ([]byte, error) {
	switch v := a.(type) {
	case int64:
		return strconv.AppendInt(nil, v, 10), nil
	case []int64:
		b := []byte{'{'}
		for i, n := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, n, 10)
		}
		return append(b, '}'), nil
	case instant:
		if v == none {
			return nil, nil
		}
		return []byte(timestamp(v.time())), nil
	case []instant:
		b := []byte{'{'}
		for i, at := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if at == none {
				b = append(b, "null"...)
			} else {
				b = append(append(append(b, '"'), timestamp(at.time())...), '"')
			}
		}
		return append(b, '}'), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	case string:
		return []byte(v), nil
	case time.Time:
		return []byte(timestamp(v)), nil
	case []string:
		b := []byte{'{'}
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '"')
			for j := 0; j < len(s); j++ {
				if s[j] == '"' || s[j] == '\\' {
					b = append(b, '\\')
				}
				b = append(b, s[j])
			}
			b = append(b, '"')
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("argument of type %T", a)
}

// timestamp writes a time as a timestamptz; years before 1 need the era.
func timestamp(t time.Time) string {
	t = t.UTC()
	if t.Year() < 1 {
		return fmt.Sprintf("%04d-%s BC", 1-t.Year(), t.Format("01-02 15:04:05.999999Z07:00"))
	}
	return t.Format("2006-01-02 15:04:05.999999Z07:00")
}
