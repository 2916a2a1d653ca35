// A footprint as a drawing: metres on the ground, north up, with a scale bar. Pure.

import type { Geometry, Position } from "geojson";
import { areaOf, bboxOf, type LonLat } from "../format/geodesy";

/** Metres of a degree of latitude on the sphere of geodesy.ts. */
const metresPerDegree = (6_371_008.8 * Math.PI) / 180;

export interface Outline {
	/** Path data in the drawing's units, holes by the even-odd rule. */
	readonly path: string;
	/** Units of the drawing for one metre. */
	readonly perMetre: number;
	/** Length of the scale bar, metres. */
	readonly bar: number;
}

export function polygonsOf(g: Geometry | null): readonly (readonly Position[][])[] {
	switch (g?.type) {
		case "Polygon":
			return [g.coordinates];
		case "MultiPolygon":
			return g.coordinates;
		case "GeometryCollection":
			return g.geometries.flatMap(polygonsOf);
		default:
			return [];
	}
}

/** Area on the ground in square metres, holes left out; 0 for what is no area. */
export function groundArea(g: Geometry | null): number {
	return polygonsOf(g).reduce(
		(sum, rings) => sum + rings.reduce((s, ring, i) => s + (i === 0 ? 1 : -1) * areaOf(ring as unknown as LonLat[]), 0),
		0,
	);
}

/**
 * Draws geometries into a square of `size` units with a margin, all in one frame
 * so that they can be laid over each other. null where there is no area.
 */
export function outlines(geometries: readonly (Geometry | null)[], size: number, margin: number): readonly Outline[] | null {
	const box = bboxOf({
		type: "GeometryCollection",
		geometries: geometries.flatMap((g) => polygonsOf(g).map((rings): Geometry => ({ type: "Polygon", coordinates: [...rings] }))),
	});
	if (!box) return null;
	const [w, s, e, n] = box;
	const east = metresPerDegree * Math.cos((((s + n) / 2) * Math.PI) / 180);
	const width = (e - w) * east;
	const height = (n - s) * metresPerDegree;
	const longest = Math.max(width, height);
	if (longest === 0) return null;
	const perMetre = (size - 2 * margin) / longest;
	const at = ([lon = 0, lat = 0]: Position) => {
		const x = size / 2 + ((lon - w) * east - width / 2) * perMetre;
		const y = size / 2 - ((lat - s) * metresPerDegree - height / 2) * perMetre;
		return `${x.toFixed(1)} ${y.toFixed(1)}`;
	};
	const bar = roundLength(longest * 0.4);
	return geometries.map((g) => ({
		path: polygonsOf(g)
			.flat()
			.map((ring) => `M${ring.slice(0, -1).map(at).join("L")}Z`)
			.join(""),
		perMetre,
		bar,
	}));
}

/** The longest of 1, 2, 5 times a power of ten that is not above `most`. */
export function roundLength(most: number): number {
	const power = 10 ** Math.floor(Math.log10(most));
	return ([5, 2, 1].find((f) => f * power <= most) ?? 1) * power;
}
