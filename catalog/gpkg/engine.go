package gpkg

import (
	"fmt"
	"reflect"
	"sync"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	"zombiezen.com/go/sqlite"
)

// What the SQLite engine under the driver can do and the driver does not offer.

// holdBlocks keeps one block of each of the larger size classes of SQLite's
// allocator allocated for good. The allocator gives a 64 KiB page back to the
// kernel as soon as its last block is freed, and SQLite takes and frees such a
// block whenever it splits a page of a tree: without this, a sixth of a bulk
// load goes into mmap and munmap.
var holdBlocks = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	for size := 512; size <= 16<<10; size *= 2 {
		libc.Xmalloc(tls, libc.Tsize_t(size))
	}
})

// enableTriggers switches a connection's triggers on or off
// (SQLITE_DBCONFIG_ENABLE_TRIGGER), which the driver has no call for: the handle
// is read out of it by reflection.
func enableTriggers(c *sqlite.Conn, on bool) error {
	handle := reflect.ValueOf(c).Elem().FieldByName("conn")
	if !handle.IsValid() || handle.Kind() != reflect.Uintptr {
		return fmt.Errorf("the SQLite driver has changed: its connection has no field conn")
	}
	tls := libc.NewTLS()
	defer tls.Close()
	flag := int32(0)
	if on {
		flag = 1
	}
	args := libc.NewVaList(flag, uintptr(0))
	defer libc.Xfree(tls, args)
	if res := sqlite.ResultCode(lib.Xsqlite3_db_config(tls, uintptr(handle.Uint()), lib.SQLITE_DBCONFIG_ENABLE_TRIGGER, args)); res != sqlite.ResultOK {
		return fmt.Errorf("switch triggers: %w", res.ToError())
	}
	return nil
}
