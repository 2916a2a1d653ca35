// One name for each area in view. A tile holds only its own part of a ward, and
// a name drawn from tiles appears once in each of them; here the parts are put
// together, and the name is set at the middle of what is known of the area.

import type { Feature, FeatureCollection, Point, Position } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import { sourceOf } from "../style";

interface Part {
	area: number;
	x: number;
	y: number;
}

/** Collections whose areas get names, with the zooms between which they do. */
const named: readonly { readonly collection: string; readonly from: number; readonly to: number }[] = [
	{ collection: "wards", from: 9, to: 15 },
	{ collection: "prabhags", from: 12, to: 24 },
	{ collection: "water", from: 10, to: 24 },
	{ collection: "greens", from: 11.5, to: 24 },
];

const kept = [
	"name",
	"name_mr",
	"name_hi",
	"name_en",
	"kind",
	"place",
	"place_mr",
	"place_hi",
	"neighbourhood",
	"neighbourhood_mr",
	"neighbourhood_hi",
];

/** Area in square pixels below which a lake or a garden is not named. */
const smallest = 700;

let last = "";

/** Lets the next names count as new, whatever they are. */
export function forgetNames(): void {
	last = "";
}

/** The names for the tiles at hand; null when they are the same as before. */
export function namesOfAreas(map: MapLibre): FeatureCollection<Point> | null {
	const zoom = map.getZoom();
	const features: Feature<Point>[] = [];
	for (const { collection, from, to } of named) {
		const source = sourceOf(collection, true);
		if (zoom < from || zoom > to || !map.getSource(source)) continue;
		const sums = new Map<string, { part: Part; properties: Record<string, unknown> }>();
		for (const f of map.querySourceFeatures(source, { sourceLayer: collection })) {
			if (!f.properties.name || f.id === undefined) continue;
			const part = middleOf(f.geometry);
			if (!part) continue;
			const sum = sums.get(String(f.id));
			if (!sum) sums.set(String(f.id), { part, properties: f.properties });
			else sum.part = add(sum.part, part);
		}
		for (const [key, { part, properties }] of sums) {
			// A tank of a few pixels needs no name yet.
			const pixels = part.area * (((512 * 2 ** zoom) / 360) ** 2 / Math.cos((part.y * Math.PI) / 180));
			if (pixels < smallest && (collection === "water" || collection === "greens")) continue;
			const own = Object.fromEntries(kept.filter((k) => k in properties).map((k) => [k, properties[k]]));
			features.push({
				type: "Feature",
				properties: { ...own, collection, key },
				geometry: { type: "Point", coordinates: [part.x, part.y] },
			});
		}
	}
	// Rounded to a few pixels: a name that would move by less stays put.
	const digest = features
		.map((f) => `${f.properties?.key}@${f.geometry.coordinates.map((c) => Math.round((c * 2 ** zoom) / 4)).join()}`)
		.join(";");
	if (digest === last) return null;
	last = digest;
	return { type: "FeatureCollection", features };
}

function add(a: Part, b: Part): Part {
	const area = a.area + b.area;
	const t = b.area / area;
	return { area, x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
}

/** Area (in square degrees, for weighing only) and centroid of a polygon's outer rings. */
function middleOf(g: GeoJSON.Geometry): Part | null {
	const polygons = g.type === "Polygon" ? [g.coordinates] : g.type === "MultiPolygon" ? g.coordinates : [];
	let sum: Part | null = null;
	for (const p of polygons) {
		const part = ringMiddle(p[0] ?? []);
		if (part) sum = sum ? add(sum, part) : part;
	}
	return sum;
}

function ringMiddle(ring: readonly Position[]): Part | null {
	const [ox = 0, oy = 0] = ring[0] ?? [];
	let area = 0;
	let x = 0;
	let y = 0;
	for (let i = 1; i < ring.length; i++) {
		const [x0 = 0, y0 = 0] = ring[i - 1] ?? [];
		const [x1 = 0, y1 = 0] = ring[i] ?? [];
		const cross = (x0 - ox) * (y1 - oy) - (x1 - ox) * (y0 - oy);
		area += cross;
		x += (x0 + x1 - 2 * ox) * cross;
		y += (y0 + y1 - 2 * oy) * cross;
	}
	if (area === 0) return null;
	return { area: Math.abs(area / 2), x: ox + x / (3 * area), y: oy + y / (3 * area) };
}
