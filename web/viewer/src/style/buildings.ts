import { byZoom, linear } from "./expressions.ts";
import type { ExpressionSpecification, LayerContext, LayerSpecification } from "./types.ts";

/** Height in metres, never null, never negative; one storey where unknown. */
const height: ExpressionSpecification = ["max", 0, ["to-number", ["get", "height_m"], 3]];

/** Built-up blocks from z9.5 on, footprints from z14, risen at z15. */
export function buildings(x: LayerContext): LayerSpecification[] {
	const { c, input } = x;
	const common = { source: x.source("buildings"), "source-layer": "buildings" } as const;
	const visibility = x.visible("buildings");
	const shade: ExpressionSpecification = [
		"interpolate",
		["linear"],
		height,
		0,
		c.building,
		20,
		c.building,
		60,
		mix(c.building, c.buildingTall, 0.55),
		150,
		c.buildingTall,
	];
	const flat: LayerSpecification[] = [
		{
			id: "buildings",
			type: "fill",
			...common,
			minzoom: 9.5,
			...(input.threeD ? { maxzoom: 15.4 } : {}),
			layout: { visibility },
			paint: {
				"fill-color": shade,
				"fill-opacity": linear([9.5, 0], [10, x.opacity("buildings", 0.9)], [14, x.opacity("buildings", 1)]),
			},
		},
		{
			id: "buildings-edge",
			type: "line",
			...common,
			minzoom: 14.5,
			...(input.threeD ? { maxzoom: 15.4 } : {}),
			layout: { visibility },
			paint: {
				"line-color": c.buildingEdge,
				"line-width": byZoom([14.5, 0.4], [18, 1.2]),
				"line-opacity": linear([14.5, 0], [15, x.opacity("buildings", 1)]),
			},
		},
	];
	if (!input.threeD) return flat;
	return [
		...flat,
		{
			id: "buildings-3d",
			type: "fill-extrusion",
			...common,
			minzoom: 14.5,
			layout: { visibility },
			paint: {
				"fill-extrusion-color": shade,
				"fill-extrusion-height": linear([14.5, 0], [15.3, height]),
				"fill-extrusion-base": 0,
				"fill-extrusion-vertical-gradient": true,
				"fill-extrusion-opacity": x.opacity("buildings", 0.95),
			},
		},
	];
}

/** Mixes two #RRGGBB colours; t = 0 gives a, 1 gives b. */
export function mix(a: string, b: string, t: number): string {
	const part = (s: string, i: number) => Number.parseInt(s.slice(i, i + 2), 16);
	const hex = [1, 3, 5].map((i) =>
		Math.round(part(a, i) * (1 - t) + part(b, i) * t)
			.toString(16)
			.padStart(2, "0"),
	);
	return `#${hex.join("")}`;
}
