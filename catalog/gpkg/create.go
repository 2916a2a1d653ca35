package gpkg

import (
	"context"
	"fmt"
	"time"

	"nagar/catalog"
)

// schemaVersion is the version of the tables prefixed nagar_ that this code
// writes; migrations bring older files up to it.
const schemaVersion = 1

const (
	applicationID = 0x47504b47 // "GPKG"
	userVersion   = 10300      // GeoPackage 1.3, which GDAL 3.6 and all newer tools read without a warning
)

// core is what every GeoPackage holds (clauses 1.1.2 to 2.1 and 2.3).
var core = []string{
	`CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)`,
	`INSERT INTO gpkg_spatial_ref_sys VALUES
 ('Undefined Cartesian SRS',-1,'NONE',-1,'undefined','undefined Cartesian coordinate reference system'),
 ('Undefined geographic SRS',0,'NONE',0,'undefined','undefined geographic coordinate reference system'),
 ('WGS 84 geodetic',4326,'EPSG',4326,'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]','longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid')`,
	`CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))`,
	`CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name), CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name), CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))`,
	`CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))`,
	// GDAL lists every table of the file as a layer, ours prefixed nagar_ too,
	// unless the file says that its tables without geometry are registered.
	`INSERT INTO gpkg_extensions VALUES (NULL,NULL,'gdal_aspatial','http://gdal.org/geopackage_aspatial.html','read-write')`,
}

// migrations bring the nagar_ tables from version i to i+1, each in one
// transaction with all others that are due.
var migrations = []struct {
	what string
	ddl  []string
}{{
	what: "the first version",
	ddl: []string{
		`CREATE TABLE nagar_migrations (version INTEGER PRIMARY KEY, at DATETIME NOT NULL, what TEXT NOT NULL)`,
		`CREATE TABLE nagar_state (one INTEGER PRIMARY KEY CHECK (one=1), own INTEGER NOT NULL, schema INTEGER NOT NULL, defs INTEGER NOT NULL)`,
		`INSERT INTO nagar_state VALUES (1,0,0,0)`,
		`CREATE TABLE nagar_revs (rev INTEGER PRIMARY KEY, at INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL, touched TEXT NOT NULL)`,
		`CREATE INDEX nagar_revs_at ON nagar_revs(at)`,
		`CREATE TABLE nagar_keys (key TEXT PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, unchanged INTEGER NOT NULL, deleted INTEGER NOT NULL, erased INTEGER NOT NULL) WITHOUT ROWID`,
		`CREATE TABLE nagar_collections (name TEXT PRIMARY KEY, num INTEGER NOT NULL UNIQUE, tbl TEXT NOT NULL UNIQUE, id_col TEXT NOT NULL, geom_col TEXT NOT NULL, shapes INTEGER NOT NULL, about TEXT NOT NULL, rev INTEGER NOT NULL) WITHOUT ROWID`,
		`CREATE TABLE nagar_columns (collection TEXT NOT NULL, pos INTEGER NOT NULL, col TEXT NOT NULL, PRIMARY KEY (collection,pos)) WITHOUT ROWID`,
		`CREATE TABLE nagar_journal (collection TEXT NOT NULL, fid INTEGER NOT NULL, op TEXT NOT NULL, at DATETIME NOT NULL, PRIMARY KEY (collection,fid)) WITHOUT ROWID`,
		`CREATE TABLE nagar_scrubs (rev INTEGER NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (rev,collection,id)) WITHOUT ROWID`,
		`CREATE TABLE nagar_faults (collection TEXT NOT NULL, fid INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (collection,fid)) WITHOUT ROWID`,
	},
}}

// prepareFile makes an empty file a store, brings an older one up to date, and
// refuses every other file.
func prepareFile(ctx context.Context, c *conn, limit time.Duration) error {
	version, err := fileVersion(c)
	if err != nil {
		return err
	}
	if version == 0 {
		// The page size and the journal mode can only be set outside a transaction.
		if err := c.exec("PRAGMA page_size=4096"); err != nil {
			return err
		}
	}
	mode, err := c.text("PRAGMA journal_mode")
	if err != nil {
		return err
	}
	if mode != "wal" {
		if err := c.exec("PRAGMA journal_mode=wal"); err != nil {
			return fmt.Errorf("%w: cannot be written with a write-ahead log: %w", catalog.ErrUnavailable, err)
		}
	}
	if version == schemaVersion {
		return nil
	}
	if err := c.beginImmediate(ctx, limit); err != nil {
		return err
	}
	defer c.rollback()
	if version, err = fileVersion(c); err != nil { // another process may have been quicker
		return err
	}
	if version == schemaVersion {
		return nil
	}
	if version == 0 {
		for _, ddl := range append([]string{
			fmt.Sprintf("PRAGMA application_id=%d", applicationID), fmt.Sprintf("PRAGMA user_version=%d", userVersion)}, core...) {
			if err := c.once(ddl); err != nil {
				return err
			}
		}
	}
	for ; version < schemaVersion; version++ {
		for _, ddl := range migrations[version].ddl {
			if err := c.once(ddl); err != nil {
				return fmt.Errorf("bring the file to version %d: %w", version+1, err)
			}
		}
		if err := c.exec("INSERT INTO nagar_migrations VALUES(?1,?2,?3)", version+1, timeText(cut(time.Now())), migrations[version].what); err != nil {
			return err
		}
	}
	if err := c.exec("UPDATE nagar_state SET schema=(SELECT schema_version FROM pragma_schema_version)"); err != nil {
		return err
	}
	if err := c.exec("COMMIT"); err != nil {
		return err
	}
	// GDAL reads the first bytes of the file itself to know what it is.
	return c.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

// fileVersion is the version of the nagar_ tables, 0 for a file that holds
// nothing at all yet.
func fileVersion(c *conn) (int, error) {
	tables, err := c.int64("SELECT count(*) FROM sqlite_master")
	if err != nil {
		return 0, err
	}
	if tables == 0 {
		return 0, nil
	}
	ours, err := c.int64("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='nagar_migrations'")
	if err != nil {
		return 0, err
	}
	if ours == 0 {
		what := "an SQLite database"
		if n, err := c.int64("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='gpkg_contents'"); err == nil && n == 1 {
			what = "a GeoPackage"
		}
		return 0, fmt.Errorf("%w: it is %s that Nagar did not make; load its layers into a store with: importer load COLLECTION --from FILE", catalog.ErrNotAStore, what)
	}
	version, err := c.int64("SELECT coalesce(max(version),0) FROM nagar_migrations")
	if err != nil {
		return 0, err
	}
	if version > schemaVersion {
		return 0, fmt.Errorf("%w: the file is of version %d, this program reads up to %d; use the newer program", catalog.ErrFuture, version, schemaVersion)
	}
	if version == 0 {
		return 0, fmt.Errorf("%w: nagar_migrations is empty", catalog.ErrNotAStore)
	}
	return int(version), nil
}
