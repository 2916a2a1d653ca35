import type { Feature, FeatureCollection, Point } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import { formatNumber } from "../format/numbers";
import type { Language } from "../style/types";

/** Width of a cluster's cell in pixels. */
const cell = 84;

export interface CountedPoint {
	readonly lon: number;
	readonly lat: number;
	/** More than one where the server's tile has already merged points. */
	readonly count: number;
	readonly category: string;
}

/**
 * Counts points in square cells of the zoom's world, anchored to the world and
 * not to the screen, so that panning does not make the clusters jump.
 */
export function cluster(points: readonly CountedPoint[], zoom: number, language: Language): FeatureCollection<Point> {
	// In steps of half a zoom: the counts change seldom while zooming.
	const world = 512 * 2 ** (Math.round(zoom * 2) / 2);
	const cells = new Map<string, { x: number; y: number; n: number; count: number }>();
	for (const p of points) {
		const x = (p.lon / 360 + 0.5) * world;
		const sin = Math.sin((p.lat * Math.PI) / 180);
		const y = (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * world;
		const key = `${Math.floor(x / cell)},${Math.floor(y / cell)}`;
		const c = cells.get(key) ?? { x: 0, y: 0, n: 0, count: 0 };
		cells.set(key, { x: c.x + x, y: c.y + y, n: c.n + 1, count: c.count + p.count });
	}
	const features: Feature<Point>[] = [];
	for (const c of joined([...cells.values()])) {
		if (c.count < 2) continue;
		const lon = (c.x / c.n / world - 0.5) * 360;
		const lat = (Math.atan(Math.sinh(Math.PI * (1 - (2 * c.y) / c.n / world))) * 180) / Math.PI;
		features.push({
			type: "Feature",
			properties: { count: c.count, label: formatNumber(c.count, language) },
			geometry: { type: "Point", coordinates: [lon, lat] },
		});
	}
	return { type: "FeatureCollection", features };
}

interface Cell {
	readonly x: number;
	readonly y: number;
	readonly n: number;
	readonly count: number;
}

/** Least distance between the middles of two clusters, in pixels. */
const apart = 56;

/** Joins neighbours whose points lie at their common border, since their discs would overlap. */
function joined(cells: readonly Cell[]): Cell[] {
	const out: Cell[] = [];
	for (const c of [...cells].sort((a, b) => b.count - a.count || a.x / a.n - b.x / b.n)) {
		const i = out.findIndex((o) => Math.hypot(o.x / o.n - c.x / c.n, o.y / o.n - c.y / c.n) < apart);
		const o = out[i];
		if (o) out[i] = { x: o.x + c.x, y: o.y + c.y, n: o.n + c.n, count: o.count + c.count };
		else out.push(c);
	}
	return out;
}

/** The facilities in the tiles at hand, each once. */
export function facilitiesOnMap(map: MapLibre, source: string): CountedPoint[] {
	if (!map.getSource(source)) return [];
	const seen = new Map<string, CountedPoint>();
	for (const f of map.querySourceFeatures(source, { sourceLayer: "facilities" })) {
		if (f.geometry.type !== "Point") continue;
		const [lon = 0, lat = 0] = f.geometry.coordinates;
		const count = Number(f.properties.point_count ?? 1) || 1;
		seen.set(String(f.id ?? `${lon},${lat}`), { lon, lat, count, category: String(f.properties.category ?? "") });
	}
	return [...seen.values()];
}
