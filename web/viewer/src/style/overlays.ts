import type { Feature, FeatureCollection } from "geojson";
import { linear } from "./expressions.ts";
import type { LayerContext, LayerSpecification, SourceSpecification } from "./types.ts";

/** What the reader put on the map: a selection, results, a measurement, clusters. */
export interface Overlays {
	readonly selection: Feature | null;
	/** Nearest results; `origin` has kind "origin", the results have `rank` and `category`. */
	readonly near: FeatureCollection;
	readonly measure: FeatureCollection;
	/** What a department's desk is about: `n` its number, `color`, `chosen`, `kind` "record" for the record itself. */
	readonly desk: FeatureCollection;
	readonly clusters: FeatureCollection;
	/** One point for each named area in view, with its collection and names. */
	readonly areaNames: FeatureCollection;
}

/** Zoom from which clusters are shown; further out they would hide the city. */
export const clusterZoom = 12.5;

const empty: FeatureCollection = { type: "FeatureCollection", features: [] };

export const noOverlays: Overlays = {
	selection: null,
	near: empty,
	measure: empty,
	desk: empty,
	clusters: empty,
	areaNames: empty,
};

/** Source of the names of areas; see map/area-names.ts for why. */
export const areaNameSource = "o-area-names";

export function overlaySources(o: Overlays): Record<string, SourceSpecification> {
	return {
		"o-selection": { type: "geojson", data: o.selection ?? empty, tolerance: 0.1 },
		"o-near": { type: "geojson", data: o.near },
		"o-measure": { type: "geojson", data: o.measure, tolerance: 0 },
		"o-desk": { type: "geojson", data: o.desk, tolerance: 0.1 },
		"o-clusters": { type: "geojson", data: o.clusters },
		[areaNameSource]: { type: "geojson", data: o.areaNames },
	};
}

/** Clusters lie below the labels; the rest lies on top of everything. */
export function clusterLayers(x: LayerContext, maxzoom: number): LayerSpecification[] {
	const visibility = x.visible("facilities");
	return [
		{
			id: "clusters",
			type: "circle",
			source: "o-clusters",
			minzoom: clusterZoom,
			maxzoom,
			layout: { visibility },
			paint: {
				"circle-color": x.c.cluster,
				"circle-opacity": x.opacity("facilities", 0.94),
				"circle-radius": ["interpolate", ["linear"], ["get", "count"], 2, 10, 20, 13, 100, 18, 500, 24],
				"circle-stroke-color": x.c.labelSoft,
				"circle-stroke-width": 1,
				"circle-stroke-opacity": 0.45,
			},
		},
		{
			id: "clusters-count",
			type: "symbol",
			source: "o-clusters",
			minzoom: clusterZoom,
			maxzoom,
			layout: {
				visibility,
				"text-field": ["get", "label"],
				"text-font": x.bold,
				"text-size": 12.5,
				"text-allow-overlap": true,
				"text-padding": 11,
			},
			paint: { "text-color": x.c.clusterText, "text-opacity": x.opacity("facilities", 1) },
		},
	];
}

export function overlayLayers(x: LayerContext): LayerSpecification[] {
	return [...selection(x), ...desk(x), ...near(x), ...measure(x)];
}

function selection(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const source = "o-selection";
	return [
		{
			id: "selection-fill",
			type: "fill",
			source,
			filter: ["==", ["geometry-type"], "Polygon"],
			paint: { "fill-color": c.select, "fill-opacity": 0.14 },
		},
		{
			id: "selection-halo",
			type: "line",
			source,
			filter: ["!=", ["geometry-type"], "Point"],
			layout: { "line-join": "round", "line-cap": "round" },
			paint: { "line-color": c.selectHalo, "line-width": linear([10, 5], [17, 7]) },
		},
		{
			id: "selection-line",
			type: "line",
			source,
			filter: ["!=", ["geometry-type"], "Point"],
			layout: { "line-join": "round", "line-cap": "round" },
			paint: { "line-color": c.select, "line-width": linear([10, 2.2], [17, 3.4]) },
		},
		{
			id: "selection-point",
			type: "circle",
			source,
			filter: ["==", ["geometry-type"], "Point"],
			paint: {
				"circle-radius": 17,
				"circle-color": c.select,
				"circle-opacity": 0.12,
				"circle-stroke-color": c.select,
				"circle-stroke-width": 3,
			},
		},
	];
}

/** Candidates side by side: each outlined in its colour, with its number. */
function desk(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const source = "o-desk";
	const color = ["get", "color"] as never;
	const chosen = (yes: number, no: number) => ["case", ["to-boolean", ["get", "chosen"]], yes, no] as never;
	return [
		{
			id: "desk-fill",
			type: "fill",
			source,
			filter: ["==", ["geometry-type"], "Polygon"],
			paint: { "fill-color": color, "fill-opacity": chosen(0.4, 0.16) },
		},
		{
			id: "desk-halo",
			type: "line",
			source,
			filter: ["==", ["geometry-type"], "Polygon"],
			layout: { "line-join": "round" },
			paint: { "line-color": c.selectHalo, "line-width": chosen(8, 5) },
		},
		{
			id: "desk-line",
			type: "line",
			source,
			filter: ["==", ["geometry-type"], "Polygon"],
			layout: { "line-join": "round" },
			paint: { "line-color": color, "line-width": chosen(4.5, 2.5) },
		},
		{
			id: "desk-record",
			type: "circle",
			source,
			filter: ["==", ["get", "kind"], "record"],
			paint: { "circle-radius": 9, "circle-color": c.measure, "circle-stroke-color": "#FFFFFF", "circle-stroke-width": 3 },
		},
		{
			id: "desk-badge",
			type: "circle",
			source,
			filter: ["==", ["get", "kind"], "number"],
			paint: {
				"circle-radius": chosen(16, 13),
				"circle-color": color,
				"circle-stroke-color": "#FFFFFF",
				"circle-stroke-width": 2,
			},
		},
		{
			id: "desk-number",
			type: "symbol",
			source,
			filter: ["==", ["get", "kind"], "number"],
			layout: {
				"text-field": ["get", "n"],
				"text-font": x.bold,
				"text-size": 15,
				"text-allow-overlap": true,
				"text-ignore-placement": true,
			},
			paint: { "text-color": "#FFFFFF" },
		},
	];
}

function near(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const source = "o-near";
	return [
		{
			id: "near-line",
			type: "line",
			source,
			filter: ["==", ["geometry-type"], "LineString"],
			paint: { "line-color": c.select, "line-width": 1.3, "line-dasharray": [2, 2], "line-opacity": 0.45 },
		},
		{
			id: "here",
			type: "circle",
			source,
			filter: ["==", ["get", "kind"], "here"],
			paint: {
				"circle-radius": 9,
				"circle-color": c.measure,
				"circle-stroke-color": "#FFFFFF",
				"circle-stroke-width": 3,
			},
		},
		{
			id: "near-result",
			type: "circle",
			source,
			filter: ["==", ["get", "kind"], "result"],
			paint: {
				"circle-radius": 11,
				"circle-color": c.select,
				"circle-stroke-color": c.selectHalo,
				"circle-stroke-width": 2,
			},
		},
		{
			id: "near-rank",
			type: "symbol",
			source,
			filter: ["==", ["get", "kind"], "result"],
			layout: {
				"text-field": ["get", "rank"],
				"text-font": x.bold,
				"text-size": 12.5,
				"text-allow-overlap": true,
				"text-ignore-placement": true,
			},
			paint: { "text-color": x.input.theme === "dark" ? "#10151A" : "#FFFFFF" },
		},
		{
			id: "near-origin",
			type: "circle",
			source,
			filter: ["==", ["get", "kind"], "origin"],
			paint: {
				"circle-radius": 7,
				"circle-color": c.select,
				"circle-stroke-color": "#FFFFFF",
				"circle-stroke-width": 3,
			},
		},
	];
}

function measure(x: LayerContext): LayerSpecification[] {
	const { c } = x;
	const source = "o-measure";
	return [
		{
			id: "measure-fill",
			type: "fill",
			source,
			filter: ["==", ["geometry-type"], "Polygon"],
			paint: { "fill-color": c.measure, "fill-opacity": 0.14 },
		},
		{
			id: "measure-line",
			type: "line",
			source,
			filter: ["!=", ["geometry-type"], "Point"],
			layout: { "line-join": "round", "line-cap": "round" },
			paint: { "line-color": c.measure, "line-width": 2.6 },
		},
		{
			id: "measure-point",
			type: "circle",
			source,
			filter: ["==", ["geometry-type"], "Point"],
			paint: {
				"circle-radius": 5,
				"circle-color": c.selectHalo,
				"circle-stroke-color": c.measure,
				"circle-stroke-width": 2.4,
			},
		},
	];
}
