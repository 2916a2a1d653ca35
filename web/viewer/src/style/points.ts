import { byZoom, linear, nameIn } from "./expressions.ts";
import type { LayerContext, LayerSpecification } from "./types.ts";

/** Zoom from which facilities are drawn one by one; below they are counted in clusters. */
export const facilityIconZoom = 13.5;

/** Facilities and sensors as icons with names, or as dots where icons cannot be drawn. */
export function points(x: LayerContext): LayerSpecification[] {
	return [...sensors(x), ...facilities(x)];
}

function facilities(x: LayerContext): LayerSpecification[] {
	const { c, input } = x;
	const common = { source: x.source("facilities"), "source-layer": "facilities" } as const;
	const visibility = x.visible("facilities");
	const opacity = x.opacity("facilities", 1);
	const areas: LayerSpecification = {
		id: "facilities-area",
		type: "fill",
		...common,
		minzoom: facilityIconZoom,
		filter: ["==", ["geometry-type"], "Polygon"],
		layout: { visibility },
		paint: { "fill-color": c.sensor, "fill-opacity": x.opacity("facilities", 0.12) },
	};
	// Below the icons' zoom the dots feed the clusters: nearly unseen, but loaded.
	const dots: LayerSpecification = {
		id: "facilities-dot",
		type: "circle",
		...common,
		minzoom: 12,
		layout: { visibility },
		paint: {
			"circle-radius": byZoom([12, 1.3], [14, 2.6]),
			"circle-color": c.labelSoft,
			"circle-opacity": linear([12, opacity * 0.3], [13, opacity * 0.6]),
			"circle-stroke-color": c.halo,
			"circle-stroke-width": linear([13, 0], [14, 1]),
		},
	};
	if (!input.icons) return [areas, dots];
	const icons: LayerSpecification = {
		id: "facilities-icon",
		type: "symbol",
		...common,
		minzoom: facilityIconZoom,
		layout: {
			visibility,
			"icon-image": ["concat", "facility:", ["coalesce", ["get", "category"], ""]],
			"icon-size": linear([13, 0.8], [15, 1], [18, 1.15]),
			"icon-padding": 3,
			"symbol-sort-key": ["coalesce", ["get", "importance_rank"], rank],
			"text-field": ["step", ["zoom"], "", 15, nameIn(input.language)],
			"text-font": x.regular,
			"text-size": linear([15, 11.5], [18, 13.5]),
			"text-offset": [0, 1.15],
			"text-anchor": "top",
			"text-max-width": 8,
			"text-optional": true,
		},
		paint: {
			"icon-opacity": opacity,
			"text-opacity": opacity,
			"text-color": c.label,
			"text-halo-color": c.halo,
			"text-halo-width": 1.4,
			"text-halo-blur": 0.4,
		},
	};
	return [areas, dots, icons];
}

/** Lower is placed first: what is needed in an emergency wins the room. */
const rank = [
	"match",
	["get", "category"],
	["hospital"],
	0,
	["fire_station", "police", "ward_office"],
	1,
	["railway_station", "metro_station", "station"],
	2,
	["clinic", "dispensary", "health_post", "maternity_home"],
	3,
	["school", "college", "university", "market"],
	4,
	["pharmacy", "library", "post_office", "toilet", "toilets", "public_toilet"],
	5,
	8,
] as unknown as number;

function sensors(x: LayerContext): LayerSpecification[] {
	const { c, input } = x;
	const common = { source: x.source("sensors"), "source-layer": "sensors" } as const;
	const visibility = x.visible("sensors");
	const opacity = x.opacity("sensors", 1);
	return [
		{
			id: "sensors",
			type: "circle",
			...common,
			minzoom: 13,
			layout: { visibility },
			paint: {
				"circle-radius": byZoom([13, 3], [15, 6], [18, 9]),
				"circle-color": c.sensor,
				"circle-opacity": opacity,
				"circle-stroke-color": c.halo,
				"circle-stroke-width": 1.5,
				"circle-stroke-opacity": opacity,
			},
		},
		{
			id: "sensors-label",
			type: "symbol",
			...common,
			minzoom: 15,
			layout: {
				visibility,
				"text-field": nameIn(input.language),
				"text-font": x.regular,
				"text-size": 11.5,
				"text-offset": [0, 0.9],
				"text-anchor": "top",
				"text-max-width": 8,
			},
			paint: {
				"text-color": c.sensor,
				"text-opacity": opacity,
				"text-halo-color": c.halo,
				"text-halo-width": 1.3,
			},
		},
	];
}
