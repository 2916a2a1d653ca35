// A shape while it is drawn: taps set, take and move its corners.

import type { FeatureCollection, Geometry } from "geojson";
import type { LonLat } from "../format/geodesy";

export type Kind = "point" | "line" | "polygon";

export interface Shape {
	readonly kind: Kind;
	/** The corners; an area's ring without its repeated end. */
	readonly points: readonly LonLat[];
	/** The corner that the next tap moves; −1: none. */
	readonly held: number;
}

export const noShape = (kind: Kind): Shape => ({ kind, points: [], held: -1 });

/** Where a position is on the screen, in pixels. */
export type Project = (p: LonLat) => readonly [number, number];

const apart = (a: readonly [number, number], b: readonly [number, number]) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** The corner within reach of a tap; −1 for none. */
export function cornerAt(s: Shape, p: LonLat, project: Project, reach: number): number {
	const at = project(p);
	let best = -1;
	let least = reach;
	s.points.forEach((q, i) => {
		const d = apart(project(q), at);
		if (d <= least) {
			best = i;
			least = d;
		}
	});
	return best;
}

/** The edge within reach of a tap, by the corner that it begins at; −1 for none. */
export function edgeAt(s: Shape, p: LonLat, project: Project, reach: number): number {
	const at = project(p);
	const n = s.points.length;
	const edges = s.kind === "polygon" && n > 2 ? n : n - 1;
	let best = -1;
	let least = reach;
	for (let i = 0; i < edges; i++) {
		const a = project(s.points[i] as LonLat);
		const b = project(s.points[(i + 1) % n] as LonLat);
		const length = (b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2;
		const t = length === 0 ? 0 : ((at[0] - a[0]) * (b[0] - a[0]) + (at[1] - a[1]) * (b[1] - a[1])) / length;
		if (t <= 0 || t >= 1) continue;
		const d = apart([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])], at);
		if (d <= least) {
			best = i;
			least = d;
		}
	}
	return best;
}

/**
 * The shape after a tap: on a corner it takes that one up, then the next tap puts it
 * down; on an edge it makes a corner there; anywhere else it goes on with the shape.
 */
export function tapped(s: Shape, p: LonLat, put: LonLat, project: Project, reach: number): Shape {
	if (s.kind === "point") return { ...s, points: [put], held: -1 };
	if (s.held >= 0) return { ...s, points: s.points.map((q, i) => (i === s.held ? put : q)), held: -1 };
	const corner = cornerAt(s, p, project, reach);
	if (corner >= 0) return { ...s, held: corner };
	const edge = edgeAt(s, p, project, reach / 2);
	if (edge >= 0 && s.points.length > 2) {
		const points = [...s.points.slice(0, edge + 1), put, ...s.points.slice(edge + 1)];
		return { ...s, points, held: -1 };
	}
	return { ...s, points: [...s.points, put], held: -1 };
}

/** Without the corner that is held. */
export function without(s: Shape): Shape {
	return s.held < 0 ? s : { ...s, points: s.points.filter((_, i) => i !== s.held), held: -1 };
}

export function isWhole(s: Shape): boolean {
	return s.points.length >= { point: 1, line: 2, polygon: 3 }[s.kind];
}

/** Seven decimals are a centimetre. */
const exact = (p: LonLat): [number, number] => [Number(p[0].toFixed(7)), Number(p[1].toFixed(7))];

/** The geometry that is saved; null while corners are missing. */
export function geometryOf(s: Shape): Geometry | null {
	if (!isWhole(s)) return null;
	const points = s.points.map(exact);
	switch (s.kind) {
		case "point":
			return { type: "Point", coordinates: points[0] ?? [] };
		case "line":
			return { type: "LineString", coordinates: points };
		case "polygon":
			return { type: "Polygon", coordinates: [[...points, points[0] ?? []]] };
	}
}

/** The shape of a geometry that can be changed here; null for one of several parts or with holes. */
export function shapeOf(g: Geometry | null): Shape | null {
	const flat = (list: readonly GeoJSON.Position[]): LonLat[] => list.map((p) => [p[0] ?? 0, p[1] ?? 0]);
	if (g?.type === "Point") return { kind: "point", points: flat([g.coordinates]), held: -1 };
	if (g?.type === "LineString") return { kind: "line", points: flat(g.coordinates), held: -1 };
	if (g?.type === "Polygon" && g.coordinates.length === 1)
		return { kind: "polygon", points: flat((g.coordinates[0] ?? []).slice(0, -1)), held: -1 };
	return null;
}

/** What the map shows of it: the shape, and its corners. */
export function drawn(s: Shape): FeatureCollection {
	const corners = s.points.map((p, i) => ({
		type: "Feature" as const,
		properties: { held: i === s.held },
		geometry: { type: "Point" as const, coordinates: [...p] },
	}));
	const g: Geometry | null =
		s.kind === "polygon" && s.points.length === 2
			? { type: "LineString", coordinates: s.points.map((p) => [...p]) }
			: s.kind === "point"
				? null
				: geometryOf(s);
	return { type: "FeatureCollection", features: g ? [{ type: "Feature", properties: {}, geometry: g }, ...corners] : corners };
}

/** What kinds of shape a collection takes. */
export function kindsOf(geometry: string): readonly Kind[] {
	switch (geometry) {
		case "point":
			return ["point"];
		case "line":
			return ["line"];
		case "polygon":
			return ["polygon"];
		case "any":
			return ["point", "line", "polygon"];
		default:
			return [];
	}
}
