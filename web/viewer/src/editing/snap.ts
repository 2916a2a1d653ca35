import type { LonLat } from "../format/geodesy";
import { theMap } from "../map/camera";

/** How near, in pixels, a corner that is there draws a tap to itself. */
const pull = 10;

function* positions(g: GeoJSON.Geometry): Generator<GeoJSON.Position> {
	if (g.type === "GeometryCollection") {
		for (const part of g.geometries) yield* positions(part);
		return;
	}
	const walk = function* (c: unknown): Generator<GeoJSON.Position> {
		if (!Array.isArray(c)) return;
		if (typeof c[0] === "number") yield c as GeoJSON.Position;
		else for (const x of c) yield* walk(x);
	};
	yield* walk(g.coordinates);
}

/** The corner of a thing on the map that lies under the tap, else the tap itself. */
export function snapped(p: LonLat): LonLat {
	const map = theMap();
	if (!map) return p;
	const at = map.project([p[0], p[1]]);
	const found = map.queryRenderedFeatures([
		[at.x - pull, at.y - pull],
		[at.x + pull, at.y + pull],
	]);
	let best: LonLat = p;
	let least: number = pull;
	for (const f of found) {
		// What is being drawn is no thing to stick to, and neither are names and icons.
		if (f.layer.source.startsWith("o-") || f.layer.type === "symbol") continue;
		for (const q of positions(f.geometry)) {
			const there = map.project([q[0] ?? 0, q[1] ?? 0]);
			const d = Math.hypot(there.x - at.x, there.y - at.y);
			if (d < least) {
				best = [q[0] ?? 0, q[1] ?? 0];
				least = d;
			}
		}
	}
	return best;
}
