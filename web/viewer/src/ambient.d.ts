/// <reference types="vite/client" />

// The map library is built from its sources, so that the page and its worker
// share one chunk (the ready-made bundles hold everything twice). Its types are
// the published ones.
declare module "maplibre-src/ui/map.ts" {
	export { Map } from "maplibre-gl";
}
declare module "maplibre-src/source/worker.ts";
declare module "virtual:map-worker-url" {
	const url: string;
	export default url;
}
