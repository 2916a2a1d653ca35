import { byZoom, nameIn } from "./expressions.ts";
import type { ExpressionSpecification, GeneratedLayer, LayerContext, LayerSpecification } from "./types.ts";

const areaTypes = /polygon/i;
const lineTypes = /line/i;
const pointTypes = /point/i;

/** Prefix of the ids of layers that belong to a generated style. */
export const generatedPrefix = "auto:";

/** A plain, legible style for a collection nobody has designed yet. */
export function generated(x: LayerContext, g: GeneratedLayer): { shapes: LayerSpecification[]; names: LayerSpecification[] } {
	const source = x.source(g.collection);
	const common = { source, "source-layer": g.collection } as const;
	const visibility = x.visible(g.collection);
	const opacity = (v: number) => x.opacity(g.collection, v);
	const mixed = !areaTypes.test(g.geometry) && !lineTypes.test(g.geometry) && !pointTypes.test(g.geometry);
	const color = colorOf(g);
	const shapes: LayerSpecification[] = [];
	if (mixed || areaTypes.test(g.geometry)) {
		shapes.push(
			{
				id: `${generatedPrefix}${g.collection}:area`,
				type: "fill",
				...common,
				filter: ["==", ["geometry-type"], "Polygon"],
				layout: { visibility },
				paint: { "fill-color": color, "fill-opacity": opacity(0.28) },
			},
			{
				id: `${generatedPrefix}${g.collection}:edge`,
				type: "line",
				...common,
				filter: ["==", ["geometry-type"], "Polygon"],
				layout: { visibility, "line-join": "round" },
				paint: { "line-color": color, "line-width": byZoom([9, 0.5], [16, 2]), "line-opacity": opacity(0.95) },
			},
		);
	}
	if (mixed || lineTypes.test(g.geometry)) {
		shapes.push({
			id: `${generatedPrefix}${g.collection}:line`,
			type: "line",
			...common,
			filter: ["==", ["geometry-type"], "LineString"],
			layout: { visibility, "line-join": "round", "line-cap": "round" },
			paint: { "line-color": color, "line-width": byZoom([9, 1], [16, 4]), "line-opacity": opacity(0.95) },
		});
	}
	if (mixed || pointTypes.test(g.geometry)) {
		shapes.push({
			id: `${generatedPrefix}${g.collection}:point`,
			type: "circle",
			...common,
			filter: ["==", ["geometry-type"], "Point"],
			layout: { visibility },
			paint: {
				"circle-radius": byZoom([9, 2], [13, 4.5], [17, 9]),
				"circle-color": color,
				"circle-opacity": opacity(0.9),
				"circle-stroke-color": x.c.halo,
				"circle-stroke-width": 1.2,
				"circle-stroke-opacity": opacity(1),
			},
		});
	}
	if (!g.hasName) return { shapes, names: [] };
	const names: LayerSpecification[] = [
		{
			id: `${generatedPrefix}${g.collection}:name`,
			type: "symbol",
			...common,
			minzoom: 14,
			layout: {
				visibility,
				"text-field": nameIn(x.input.language),
				"text-font": x.regular,
				"text-size": 12,
				"text-max-width": 8,
				"text-variable-anchor": ["center", "top", "bottom"],
				"text-radial-offset": 0.8,
				"text-padding": 6,
			},
			paint: {
				"text-color": x.c.label,
				"text-halo-color": x.c.halo,
				"text-halo-width": 1.5,
				"text-opacity": opacity(1),
			},
		},
	];
	return { shapes, names };
}

function colorOf(g: GeneratedLayer): string | ExpressionSpecification {
	if (!g.categories || g.categories.values.length === 0) return g.color;
	const { field, values } = g.categories;
	return ["match", ["to-string", ["get", field]], ...values.flat(), g.color] as unknown as ExpressionSpecification;
}
