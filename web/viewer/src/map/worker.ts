import "maplibre-src/source/worker.ts";
