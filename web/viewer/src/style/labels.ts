import { linear, nameIn, textIn } from "./expressions.ts";
import type { ExpressionSpecification, Language, LayerContext, LayerSpecification } from "./types.ts";

/** Names, most important last, since MapLibre places the last layer first. */
export function labels(x: LayerContext): LayerSpecification[] {
	return [buildingNames(x), greens(x), ...waterNames(x), roadNames(x), stations(x), prabhags(x), places(x), ...wards(x)];
}

function halo(x: LayerContext, color: string, width = 1.5) {
	return {
		"text-color": color,
		"text-halo-color": x.c.halo,
		"text-halo-width": width,
		"text-halo-blur": 0.5,
	} as const;
}

function buildingNames(x: LayerContext): LayerSpecification {
	return {
		id: "buildings-name",
		type: "symbol",
		source: x.source("buildings"),
		"source-layer": "buildings",
		minzoom: 16.5,
		filter: ["to-boolean", ["get", "name"]],
		layout: {
			visibility: x.visible("buildings"),
			"text-field": nameIn(x.input.language),
			"text-font": x.regular,
			"text-size": 11.5,
			"text-max-width": 7,
			"text-padding": 6,
		},
		paint: halo(x, x.c.labelSoft, 1.2),
	};
}

function greens(x: LayerContext): LayerSpecification {
	const { is, ...from } = x.names("greens");
	return {
		id: "greens-name",
		type: "symbol",
		...from,
		minzoom: 11.5,
		filter: [
			"all",
			is,
			["any", [">=", ["zoom"], 14.5], ["match", ["get", "kind"], ["national_park", "forest", "mangrove"], true, false]],
		],
		layout: {
			visibility: x.visible("greens"),
			"text-field": nameIn(x.input.language),
			"text-font": x.regular,
			"text-size": linear([11, 11.5], [16, 13.5]),
			"text-max-width": 7,
			"text-padding": 8,
		},
		paint: halo(x, x.c.greenLabel, 1.2),
	};
}

function waterNames(x: LayerContext): LayerSpecification[] {
	const layout = {
		visibility: x.visible("water"),
		"text-field": nameIn(x.input.language),
		"text-font": x.regular,
		"text-size": linear([9, 12], [14, 14]),
		"text-letter-spacing": x.input.language === "en" ? 0.08 : 0,
		"text-max-width": 6,
		"text-padding": 12,
	} as const;
	const common = { source: x.source("water"), "source-layer": "water" } as const;
	const { is, ...from } = x.names("water");
	const paint = { "text-color": x.c.waterLabel } as const;
	return [
		{
			id: "water-line-name",
			type: "symbol",
			...common,
			minzoom: 12,
			filter: ["==", ["geometry-type"], "LineString"],
			layout: { ...layout, "symbol-placement": "line", "symbol-spacing": 400 },
			paint,
		},
		{
			id: "water-name",
			type: "symbol",
			...from,
			minzoom: 10,
			filter: ["all", is, ["!=", ["geometry-type"], "LineString"]],
			layout,
			paint,
		},
	];
}

function roadNames(x: LayerContext): LayerSpecification {
	const at = (z: number, ...classes: string[]): ExpressionSpecification => [
		"all",
		[">=", ["zoom"], z],
		["match", ["get", "class"], classes, true, false],
	];
	return {
		id: "roads-name",
		type: "symbol",
		source: x.source("roads"),
		"source-layer": "roads",
		minzoom: 12,
		filter: [
			"any",
			at(12, "motorway", "trunk"),
			at(13, "primary"),
			at(14, "secondary"),
			at(15, "tertiary"),
			at(16, "residential", "unclassified", "living_street"),
		],
		layout: {
			visibility: x.visible("roads"),
			"symbol-placement": "line",
			"symbol-spacing": 320,
			"text-field": nameIn(x.input.language),
			"text-font": x.regular,
			"text-size": linear([12, 11], [17, 14]),
			"text-max-angle": 30,
			"text-padding": 4,
		},
		paint: halo(x, x.c.labelSoft, 1.6),
	};
}

function stations(x: LayerContext): LayerSpecification {
	return {
		id: "rail-station",
		type: "symbol",
		source: x.source("rail"),
		"source-layer": "rail",
		minzoom: 12,
		filter: ["all", ["==", ["geometry-type"], "Point"], ["any", [">=", ["zoom"], 13], ["!=", ["get", "kind"], "metro_station"]]],
		layout: {
			visibility: x.visible("rail"),
			...(x.input.icons
				? {
						"icon-image": ["match", ["get", "kind"], "metro_station", "facility:metro_station", "facility:railway_station"],
						"icon-size": linear([12, 0.62], [15, 0.9]),
					}
				: {}),
			"text-field": nameIn(x.input.language),
			"text-font": x.bold,
			"text-size": linear([12, 11], [16, 13.5]),
			"text-offset": x.input.icons ? [0, 1] : [0, 0],
			"text-anchor": x.input.icons ? "top" : "center",
			"text-max-width": 7,
			"text-optional": true,
		},
		paint: { ...halo(x, x.c.label), "text-opacity": x.opacity("rail", 1), "icon-opacity": x.opacity("rail", 1) },
	};
}

function prabhags(x: LayerContext): LayerSpecification {
	const { is, ...from } = x.names("prabhags");
	return {
		id: "prabhags-name",
		type: "symbol",
		...from,
		minzoom: 12,
		filter: is,
		layout: {
			visibility: x.visible("prabhags"),
			"text-field": nameIn(x.input.language),
			"text-font": x.regular,
			"text-size": 11.5,
			"text-max-width": 7,
		},
		paint: { ...halo(x, x.c.prabhag), "text-opacity": x.opacity("prabhags", 1) },
	};
}

/** Neighbourhoods: the higher ranks first, the others when there is room. */
function places(x: LayerContext): LayerSpecification {
	return {
		id: "places-name",
		type: "symbol",
		source: x.source("places"),
		"source-layer": "places",
		minzoom: 11.5,
		maxzoom: 16,
		filter: ["<=", ["to-number", ["get", "rank"], 9], ["step", ["zoom"], 1, 12, 2, 13, 9]],
		layout: {
			visibility: x.visible("places"),
			"text-field": nameIn(x.input.language),
			"text-font": x.regular,
			"text-size": linear([11.5, 12], [15, 15]),
			"text-max-width": 7,
			"text-line-height": 1.1,
			"text-padding": 4,
			"symbol-sort-key": ["to-number", ["get", "rank"], 9],
		},
		paint: { ...halo(x, x.c.label, 1.6), "text-opacity": x.opacity("places", 1) },
	};
}

function wards(x: LayerContext): LayerSpecification[] {
	const { language } = x.input;
	const { is, ...from } = x.names("wards");
	const common = { ...from, maxzoom: 15, filter: is } as const;
	const size = linear([9, 11], [11, 14], [14, 17]);
	return [
		{
			// Below the code and apart from it: where there is no room for both, the code stays.
			id: "wards-place",
			type: "symbol",
			...common,
			minzoom: 10.8,
			maxzoom: x.input.collections.has("places") ? 12.5 : 15,
			layout: {
				visibility: x.visible("wards"),
				"text-field": neighbourhood(language),
				"text-font": x.regular,
				"text-size": linear([11, 12], [14, 14]),
				"text-anchor": "top",
				"text-offset": [0, 1.25],
				"text-max-width": 8,
				"text-line-height": 1.1,
				"text-padding": 2,
			},
			paint: { ...halo(x, x.c.label, 1.6), "text-opacity": x.opacity("wards", 1) },
		},
		{
			id: "wards-name",
			type: "symbol",
			...common,
			minzoom: 9,
			layout: {
				visibility: x.visible("wards"),
				"text-field": nameIn(language),
				"text-font": x.bold,
				"text-size": size,
				"text-max-width": 8,
				"text-padding": 2,
			},
			paint: { ...halo(x, x.c.wardLabel, 1.8), "text-opacity": x.opacity("wards", 1) },
		},
	];
}

/** The place a ward is known by; collections call the field one or the other. */
function neighbourhood(language: Language): ExpressionSpecification {
	const place = textIn("place", language);
	const own = textIn("neighbourhood", language);
	return ["case", ["!=", own, ""], own, place];
}
