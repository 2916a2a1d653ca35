import { byZoom } from "./expressions.ts";
import type { LayerContext, LayerSpecification } from "./types.ts";

/** Ward and electoral-ward borders; their fills are invisible but can be tapped. */
export function boundaries(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const prabhags = { source: x.source("prabhags"), "source-layer": "prabhags" } as const;
	const wards = { source: x.source("wards"), "source-layer": "wards" } as const;
	return [
		{
			id: "prabhags-area",
			type: "fill",
			...prabhags,
			minzoom: 10,
			layout: { visibility: x.visible("prabhags") },
			paint: { "fill-color": c.prabhag, "fill-opacity": x.opacity("prabhags", 0.05) },
		},
		{
			id: "prabhags-border",
			type: "line",
			...prabhags,
			minzoom: 10,
			layout: { visibility: x.visible("prabhags"), "line-join": "round" },
			paint: {
				"line-color": c.prabhag,
				"line-width": byZoom([10, 0.6], [16, 1.6]),
				"line-dasharray": [1, 2],
				"line-opacity": x.opacity("prabhags", 0.9),
			},
		},
		{
			id: "wards-area",
			type: "fill",
			...wards,
			layout: { visibility: x.visible("wards") },
			paint: { "fill-color": c.ward, "fill-opacity": 0 },
		},
		{
			id: "wards-border",
			type: "line",
			...wards,
			layout: { visibility: x.visible("wards"), "line-join": "round" },
			paint: {
				"line-color": c.ward,
				"line-width": byZoom([9, 0.7], [13, 1.5], [17, 3]),
				"line-dasharray": [4, 2.5],
				"line-opacity": x.opacity("wards", 0.75),
			},
		},
	];
}
