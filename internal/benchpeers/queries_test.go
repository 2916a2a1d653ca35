//go:build peers

package benchpeers

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// queries measures windows, nearest ten and points.
func (b *bench) queries() {
	base, pids := b.nagar("Nagar for queries")
	tile38, watch := b.tile38()
	sql := func(query string, n int) func(*http.Client, string) (int64, error) {
		return func(_ *http.Client, item string) (int64, error) {
			args := make([]any, n)
			for i, v := range strings.Fields(item) {
				args[i], _ = strconv.ParseFloat(v, 64)
			}
			rows, err := b.db.Query(context.Background(), query, args...)
			if err != nil {
				return 0, err
			}
			size := int64(0)
			_, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (struct{}, error) {
				for _, v := range r.RawValues() {
					size += int64(len(v))
				}
				return struct{}{}, nil
			})
			return size, err
		}
	}
	http := func(format string) func(*http.Client, string) (int64, error) {
		return get(func(item string) string {
			f := strings.Fields(item)
			args := make([]any, len(f))
			for i := range f {
				args[i] = f[i]
			}
			return base + fmt.Sprintf(format, args...)
		})
	}
	const all = "uid, height_m, floors, use, ward, year"
	for _, q := range []struct {
		what  string
		items []string
		ours  string
		sql   string
		n     int
		t38   string
	}{
		{"500 m window, all features", b.city.boxes, "/api/within?collection=buildings&limit=10000&bbox=%s,%s,%s,%s",
			`select ` + all + `, ST_AsBinary(geom) from peers where geom && ST_MakeEnvelope($1,$2,$3,$4,4326)`, 4, "INTERSECTS buildings LIMIT 10000 BOUNDS %[2]s %[1]s %[4]s %[3]s"},
		{"nearest 10", b.city.near, "/api/near?collection=buildings&k=10&lon=%s&lat=%s",
			`select ` + all + `, ST_AsBinary(geom) from peers order by geom <-> ST_SetSRID(ST_MakePoint($1,$2),4326) limit 10`, 2, "NEARBY buildings LIMIT 10 POINT %[2]s %[1]s"},
		{"what is here", b.city.points, "/api/at?collections=buildings&lon=%s&lat=%s",
			`select ` + all + `, ST_AsBinary(geom) from peers where ST_Contains(geom, ST_SetSRID(ST_MakePoint($1,$2),4326))`, 2, "INTERSECTS buildings LIMIT 10000 BOUNDS %[2]s %[1]s %[2]s %[1]s"},
	} {
		list := []server{{"**Nagar** (HTTP, GeoJSON)", pids, http(q.ours)}, {"PostGIS (its own protocol)", []int{b.postgres}, sql(q.sql, q.n)}}
		if watch != nil {
			list = append(list, server{"Tile38 (its own protocol)", watch, tile38(q.t38)})
		}
		for _, s := range list {
			b.report.queries = append(b.report.queries, row{q.what + ": " + s.name, b.measure(s, q.items, 8, b.lasting/2)})
		}
	}
}
