import type { MapGeoJSONFeature, Map as MapLibre, PointLike } from "maplibre-gl";
import { generatedPrefix } from "../style/generated";
import { areaNameSource } from "../style/overlays";

export type Picked =
	| { readonly kind: "feature"; readonly collection: string; readonly id: string }
	| { readonly kind: "cluster"; readonly lon: number; readonly lat: number };

/** What can be tapped, in the order of preference where things lie over each other. */
function weight(layer: string, zoom: number): number | null {
	if (layer === "near-result") return 0;
	if (layer === "desk-fill" || layer === "desk-badge") return 0;
	if (layer === "clusters") return 1;
	if (layer === "findings") return 1;
	if (layer === "facilities-icon" || layer === "rail-station") return 2;
	if (layer === "sensors" || (layer.startsWith(generatedPrefix) && layer.endsWith(":point"))) return 3;
	if (layer === "places-name") return 4;
	if (layer === "wards-name" || layer === "wards-place" || layer === "prabhags-name") return 4;
	if (layer.startsWith(generatedPrefix) && layer.endsWith(":line")) return 5;
	if (layer === "facilities-area") return 6;
	if (layer === "buildings" || layer === "buildings-3d") return 7;
	if (layer.startsWith(generatedPrefix) && layer.endsWith(":area")) return 8;
	if (layer === "roads-name" || (layer.startsWith("roads-") && !layer.endsWith("-casing"))) return 9;
	if (layer === "rail") return 10;
	if (layer === "greens" || layer === "greens-name") return 11;
	if (layer === "water" || layer === "water-line") return 12;
	if (layer === "prabhags-area") return 13;
	// Close to the ground a tap on open land is no question about the ward.
	if (layer === "wards-area") return zoom < 13.5 ? 14 : null;
	return null;
}

/** The best thing within `radius` pixels of a point of the screen. */
export function pick(map: MapLibre, x: number, y: number, radius: number): Picked | null {
	const zoom = map.getZoom();
	const exact = best(map.queryRenderedFeatures([x, y]), zoom);
	// A precise hit on something small wins; else a finger's width around it.
	const found = exact && exact.weight <= 4 ? exact : better(best(map.queryRenderedFeatures(box(x, y, radius)), zoom, 5), exact);
	if (!found) return null;
	const { feature } = found;
	if (feature.layer.id === "clusters" && feature.geometry.type === "Point") {
		const [lon = 0, lat = 0] = feature.geometry.coordinates;
		return { kind: "cluster", lon, lat };
	}
	if (feature.layer.source === areaNameSource) {
		return { kind: "feature", collection: String(feature.properties.collection), id: String(feature.properties.key) };
	}
	if (feature.layer.source === "o-desk") {
		return { kind: "feature", collection: "structures", id: String(feature.properties.uid) };
	}
	if (feature.layer.id === "near-result") {
		return { kind: "feature", collection: "facilities", id: String(feature.properties.id) };
	}
	if (feature.id === undefined || !feature.sourceLayer) return null;
	return { kind: "feature", collection: feature.sourceLayer, id: String(feature.id) };
}

interface Candidate {
	readonly feature: MapGeoJSONFeature;
	readonly weight: number;
}

function box(x: number, y: number, r: number): [PointLike, PointLike] {
	return [
		[x - r, y - r],
		[x + r, y + r],
	];
}

/** `features` come topmost first, so the first of the lowest weight is the one that is seen. */
function best(features: readonly MapGeoJSONFeature[], zoom: number, max = 99): Candidate | null {
	let found: Candidate | null = null;
	for (const feature of features) {
		const w = weight(feature.layer.id, zoom);
		if (w !== null && w <= max && (!found || w < found.weight)) found = { feature, weight: w };
	}
	return found;
}

function better(a: Candidate | null, b: Candidate | null): Candidate | null {
	if (!a || !b) return a ?? b;
	return a.weight <= b.weight ? a : b;
}
