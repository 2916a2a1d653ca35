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
// ask for text. The arguments are int64, float64, string, []string, time.Time or
// types of those kinds that appendArg knows.
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
