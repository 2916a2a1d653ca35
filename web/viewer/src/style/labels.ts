import { linear, nameIn, textIn } from "./expressions";
import type { ExpressionSpecification, LayerContext, LayerSpecification } from "./types";

/** Names, most important last, since MapLibre places the last layer first. */
export function labels(x: LayerContext): LayerSpecification[] {
	return [buildingNames(x), greens(x), ...waterNames(x), roadNames(x), stations(x), prabhags(x), ...wards(x)];
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
	return {
		id: "greens-name",
		type: "symbol",
		source: x.source("greens"),
		"source-layer": "greens",
		minzoom: 11.5,
		filter: ["any", [">=", ["zoom"], 14.5], ["match", ["get", "kind"], ["national_park", "forest", "mangrove"], true, false]],
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
			...common,
			minzoom: 10,
			filter: ["!=", ["geometry-type"], "LineString"],
			layout,
			paint,
		},
	];
}

function roadNames(x: LayerContext): LayerSpecification {
	const from = (z: number, ...classes: string[]): ExpressionSpecification => [
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
			from(12, "motorway", "trunk"),
			from(13, "primary"),
			from(14, "secondary"),
			from(15, "tertiary"),
			from(16, "residential", "unclassified", "living_street"),
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
		filter: ["==", ["geometry-type"], "Point"],
		layout: {
			visibility: x.visible("rail"),
			...(x.input.icons ? { "icon-image": "facility:railway_station", "icon-size": linear([12, 0.62], [15, 0.9]) } : {}),
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
	return {
		id: "prabhags-name",
		type: "symbol",
		source: x.source("prabhags"),
		"source-layer": "prabhags",
		minzoom: 12,
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

function wards(x: LayerContext): LayerSpecification[] {
	const { language } = x.input;
	const common = { source: x.source("wards"), "source-layer": "wards" } as const;
	return [
		{
			id: "wards-name",
			type: "symbol",
			...common,
			minzoom: 9,
			maxzoom: 15,
			layout: {
				visibility: x.visible("wards"),
				"text-field": [
					"step",
					["zoom"],
					nameIn(language),
					10.8,
					[
						"format",
						nameIn(language),
						{},
						["case", ["!=", textIn("neighbourhood", language), ""], "\n", ""],
						{},
						textIn("neighbourhood", language),
						{ "font-scale": 0.82, "text-font": ["literal", x.regular], "text-color": x.c.label },
					],
				],
				"text-font": x.bold,
				"text-size": linear([9, 11], [11, 14], [14, 17]),
				"text-max-width": 8,
				"text-padding": 6,
				"text-line-height": 1.15,
			},
			paint: { ...halo(x, x.c.wardLabel, 1.8), "text-opacity": x.opacity("wards", 1) },
		},
	];
}
