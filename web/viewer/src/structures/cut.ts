// An outline cut in two along a straight line. Pure.

import type { Polygon, Position } from "geojson";
import { groundArea } from "./outline";

/** Degrees to millimetres or so: what is written, so that both parts share the very cut. */
function round(v: number): number {
	return Number(v.toFixed(8));
}

/** An outline that can be cut: one ring. */
export function cuttable(g: GeoJSON.Geometry | null): g is Polygon {
	return g?.type === "Polygon" && g.coordinates.length === 1;
}

/**
 * The parts on both sides of the line through two points, the larger first; null
 * where the line misses the outline, or cuts it in more than two.
 */
export function cut(polygon: Polygon, [a, b]: readonly [Position, Position]): readonly [Polygon, Polygon] | null {
	const ring = (polygon.coordinates[0] ?? []).slice(0, -1);
	const [ax = 0, ay = 0] = a;
	const [bx = 0, by = 0] = b;
	const side = ([x = 0, y = 0]: Position) => (bx - ax) * (y - ay) - (by - ay) * (x - ax);
	const left: Position[] = [];
	const right: Position[] = [];
	let crossings = 0;
	for (const [i, p] of ring.entries()) {
		const q = ring[(i + 1) % ring.length] ?? p;
		const d = side(p);
		const e = side(q);
		(d >= 0 ? left : right).push(p);
		if (d >= 0 === e >= 0) continue;
		crossings++;
		const t = d / (d - e);
		const [px = 0, py = 0] = p;
		const [qx = 0, qy = 0] = q;
		const at = [round(px + t * (qx - px)), round(py + t * (qy - py))];
		left.push(at);
		right.push(at);
	}
	if (crossings !== 2) return null;
	const [one, two] = [closed(left), closed(right)];
	if (groundArea(one) < 1 || groundArea(two) < 1) return null;
	return groundArea(one) >= groundArea(two) ? [one, two] : [two, one];
}

function closed(points: readonly Position[]): Polygon {
	const ring = points.filter((p, i) => i === 0 || String(p) !== String(points[i - 1]));
	const [first = []] = ring;
	if (String(ring.at(-1)) === String(first)) ring.pop();
	return { type: "Polygon", coordinates: [[...ring, first]] };
}
