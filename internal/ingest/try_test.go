package ingest_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"nagar/catalog/gpkg"
	"nagar/city"
	"nagar/internal/ingest"
)

func TestTry(t *testing.T) {
	file, coll := os.Getenv("TRY"), os.Getenv("COLL")
	if file == "" {
		t.Skip()
	}
	st, err := gpkg.Open(context.Background(), os.Getenv("STORE"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p, _ := city.Load("")
	sum, err := ingest.Load(context.Background(), st, p, ingest.Options{Collection: coll, From: file, ID: os.Getenv("IDF"), CRS: os.Getenv("CRS"), Layer: os.Getenv("LAYER"), Repair: os.Getenv("REPAIR") != "", Rejects: os.Getenv("REJ")})
	b, _ := json.Marshal(sum)
	t.Logf("%s\n%v", b, err)
}
