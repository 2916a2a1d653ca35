import { byZoom } from "./expressions.ts";
import type { LayerContext, LayerSpecification } from "./types.ts";

/** Sea (the background), land, greens and water: the quiet ground of the map. */
export function ground(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	return [
		{ id: "sea", type: "background", paint: { "background-color": c.sea } },
		{
			// A city that has loaded its wards but no coast still stands on land.
			id: "land-wards",
			type: "fill",
			source: x.source("wards"),
			"source-layer": "wards",
			filter: ["==", ["geometry-type"], "Polygon"],
			paint: { "fill-color": c.land },
		},
		{
			id: "land",
			type: "fill",
			source: x.source("land"),
			"source-layer": "land",
			paint: { "fill-color": c.land },
		},
		{
			id: "land-coast",
			type: "line",
			source: x.source("land"),
			"source-layer": "land",
			paint: { "line-color": c.coast, "line-width": byZoom([9, 0.6], [14, 1.6]), "line-opacity": 0.7 },
		},
		{
			id: "greens",
			type: "fill",
			source: x.source("greens"),
			"source-layer": "greens",
			filter: ["==", ["geometry-type"], "Polygon"],
			layout: { visibility: x.visible("greens") },
			paint: {
				"fill-color": ["match", ["get", "kind"], ["mangrove", "forest", "national_park", "wood"], c.forest, c.park],
				"fill-opacity": x.opacity("greens", 1),
			},
		},
		{
			id: "water",
			type: "fill",
			source: x.source("water"),
			"source-layer": "water",
			filter: ["==", ["geometry-type"], "Polygon"],
			layout: { visibility: x.visible("water") },
			paint: {
				"fill-color": ["match", ["get", "kind"], ["sea", "bay", "creek"], c.sea, c.water],
				"fill-opacity": x.opacity("water", 1),
			},
		},
		{
			id: "water-line",
			type: "line",
			source: x.source("water"),
			"source-layer": "water",
			filter: ["==", ["geometry-type"], "LineString"],
			layout: { visibility: x.visible("water"), "line-cap": "round", "line-join": "round" },
			paint: {
				"line-color": c.water,
				"line-width": byZoom([9, 0.8], [13, 2.4], [17, 10]),
				"line-opacity": x.opacity("water", 1),
			},
		},
	];
}
