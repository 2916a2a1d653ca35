import { byZoom, linear } from "./expressions.ts";
import type { ExpressionSpecification, LayerContext, LayerSpecification } from "./types.ts";

interface RoadClass {
	readonly id: string;
	readonly classes: readonly string[];
	readonly minzoom: number;
	/** Width in pixels at zooms 8, 12, 15 and 18. */
	readonly width: readonly [number, number, number, number];
	/** Zoom from which the casing is drawn. */
	readonly casing: number;
}

const roadClasses: readonly RoadClass[] = [
	{ id: "service", classes: ["service"], minzoom: 14, width: [0, 0.2, 1.4, 8], casing: 15 },
	{
		id: "residential",
		classes: ["residential", "unclassified", "living_street"],
		minzoom: 12.5,
		width: [0, 0.5, 2.6, 14],
		casing: 14,
	},
	{ id: "tertiary", classes: ["tertiary"], minzoom: 11, width: [0.2, 0.9, 4, 18], casing: 13 },
	{ id: "secondary", classes: ["secondary"], minzoom: 10, width: [0.3, 1.3, 5.2, 22], casing: 12 },
	{ id: "primary", classes: ["primary"], minzoom: 8, width: [0.5, 2, 6.4, 26], casing: 11 },
	{ id: "trunk", classes: ["trunk"], minzoom: 7, width: [0.7, 2.6, 7.4, 30], casing: 10 },
	{ id: "motorway", classes: ["motorway"], minzoom: 6, width: [0.9, 3, 8, 32], casing: 9 },
];

function width(r: RoadClass, extra: number): ExpressionSpecification {
	const [a, b, c, d] = r.width;
	return byZoom([8, a + extra * 0.5], [12, b + extra], [15, c + extra * 1.4], [18, d + extra * 2]);
}

/** Roads by class (casings first, so that junctions open) and rail. */
export function transport(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const common = { source: x.source("roads"), "source-layer": "roads" } as const;
	const visibility = x.visible("roads");
	const paths: LayerSpecification = {
		id: "roads-path",
		type: "line",
		...common,
		minzoom: 14.5,
		filter: ["match", ["get", "class"], ["path", "footway", "steps", "cycleway", "pedestrian"], true, false],
		layout: { visibility },
		paint: {
			"line-color": c.path,
			"line-width": byZoom([14, 0.8], [18, 3]),
			"line-dasharray": [2, 1.5],
			"line-opacity": x.opacity("roads", 1),
		},
	};
	const casings = roadClasses.map(
		(r): LayerSpecification => ({
			id: `roads-${r.id}-casing`,
			type: "line",
			...common,
			minzoom: Math.max(r.minzoom, r.casing),
			filter: ["match", ["get", "class"], [...r.classes], true, false],
			layout: { visibility, "line-cap": "butt", "line-join": "round" },
			paint: {
				"line-color": r.id === "motorway" ? c.motorwayCasing : c.roadCasing,
				"line-width": width(r, 1.6),
				"line-opacity": x.opacity("roads", 1),
			},
		}),
	);
	const fills = roadClasses.map((r): LayerSpecification => {
		const minor = r.id === "service" || r.id === "residential";
		const color = r.id === "motorway" ? c.motorway : minor ? c.roadMinor : c.road;
		return {
			id: `roads-${r.id}`,
			type: "line",
			...common,
			minzoom: r.minzoom,
			filter: ["match", ["get", "class"], [...r.classes], true, false],
			layout: { visibility, "line-cap": "round", "line-join": "round" },
			paint: {
				// Without its casing a white road would vanish on the land: it is
				// drawn in the casing's colour until the casing appears.
				"line-color": r.id === "motorway" || r.casing <= r.minzoom ? color : ["step", ["zoom"], c.roadCasing, r.casing, color],
				"line-width": width(r, 0),
				"line-opacity": x.opacity("roads", 1),
			},
		};
	});
	return [paths, ...casings, ...fills, ...rail(x)];
}

function rail(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const common = {
		source: x.source("rail"),
		"source-layer": "rail",
		filter: ["==", ["geometry-type"], "LineString"] as ["==", ExpressionSpecification, string],
	} as const;
	const visibility = x.visible("rail");
	return [
		{
			id: "rail",
			type: "line",
			...common,
			minzoom: 9,
			layout: { visibility, "line-join": "round" },
			paint: {
				"line-color": c.rail,
				"line-width": byZoom([9, 0.8], [13, 1.8], [17, 4]),
				"line-opacity": x.opacity("rail", 1),
			},
		},
		{
			id: "rail-sleepers",
			type: "line",
			...common,
			minzoom: 12.5,
			layout: { visibility },
			paint: {
				"line-color": c.railSleeper,
				"line-width": byZoom([12, 0.7], [17, 2.4]),
				"line-dasharray": [4, 4],
				"line-opacity": linear([12.5, 0], [13, x.opacity("rail", 1)]),
			},
		},
	];
}
