package postgis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"nagar/catalog/postgis"
)

// Processes that start at one moment find the same indexes missing; all of them
// start, and one of them builds.
func TestIndexesAreBuiltOnce(t *testing.T) {
	s, url := open(t)
	names := make([]string, 12)
	for i := range names {
		c := buildings()
		names[i] = fmt.Sprint("buildings", i)
		c.Name, c.Fields[0].Indexed = names[i], true
		define(t, s, c)
	}
	for range 3 {
		for _, name := range names {
			mustExec(t, connect(t, url), fmt.Sprintf(`do $$ declare i regclass; begin
				for i in select indexrelid::regclass from pg_index where indrelid = 'public.%s'::regclass and not indisunique loop
					execute 'drop index ' || i; end loop; end $$`, name))
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				other, err := postgis.Open(context.Background(), url)
				if err != nil {
					t.Errorf("open beside others: %v", err)
					return
				}
				_ = other.Close()
			})
		}
		all.Wait()
	}
	checkClean(t, s)
}
