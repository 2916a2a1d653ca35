import { computed, signal, untracked } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import type { LonLat } from "../format/geodesy";
import { language } from "../i18n";
import { hash, layers } from "../state/layers";
import {
	collections,
	deskShapes,
	measureClosed,
	measurePoints,
	myPlace,
	nearResults,
	seenFacilities,
	selectedFeature,
	sketch,
	structureShape,
	theme,
	view,
} from "../state/store";
import { buildStyle, sourceOf } from "../style";
import { findingsFilter } from "../style/findings";
import type { Overlays } from "../style/overlays";
import { categorical } from "../style/palette";
import type { GeneratedLayer, StyleInput, StyleSpecification } from "../style/types";
import { forgetNames } from "./area-names";

/** The deepest zoom that tiles are made for (the TileJSON's maxzoom). */
export const tileMaxzoom = 16;

/** Fields whose values may colour a collection without a designed style, best first. */
const categoryFields = ["category", "kind", "type", "class", "status", "use"];

/** Values seen in the tiles, by collection; they become the legend. */
export const seenCategories = signal<Readonly<Record<string, readonly string[]>>>({});
export const clusters = signal<FeatureCollection>({ type: "FeatureCollection", features: [] });
export const areaNames = signal<FeatureCollection>({ type: "FeatureCollection", features: [] });
/** False until the faces are loaded that labels are drawn with; the ground does not wait for them. */
export const fontsReady = signal(false);
/** Language that labels are drawn in: follows the interface once its fonts are there. */
export const labelLanguage = signal(language.peek());

/** Drops what was gathered from tiles that are no longer the reader's. */
export function forgetSeen(): void {
	const none: FeatureCollection = { type: "FeatureCollection", features: [] };
	seenCategories.value = {};
	seenFacilities.value = new Set();
	clusters.value = none;
	areaNames.value = none;
	forgetNames();
}

const threeD = computed(() => view.value.threeD);

export const generatedLayers = computed<readonly GeneratedLayer[]>(() =>
	layers.value
		.filter((l) => !l.designed)
		.map((l): GeneratedLayer => {
			const names = new Set(l.collection.fields.map((f) => f.name));
			const field = categoryField(l.name);
			const values = (field && seenCategories.value[l.name]) || [];
			return {
				collection: l.name,
				geometry: l.collection.geometry,
				color: l.color,
				hasName: ["name", "name_mr", "name_hi", "name_en"].some((n) => names.has(n)),
				...(field && values.length > 1
					? { categories: { field, values: values.map((v, i) => [v, colorFor(l.name, i)] as const) } }
					: {}),
			};
		}),
);

function colorFor(collection: string, i: number): string {
	return categorical[((hash(collection) % categorical.length) + i) % categorical.length] ?? "#0072B2";
}

export function categoryField(collection: string): string | null {
	const all = collections.peek();
	const c = all.status === "ready" ? all.value.find((x) => x.name === collection) : undefined;
	return categoryFields.find((f) => c?.fields.some((x) => x.name === f && (x.type === "text" || x.type === "string"))) ?? null;
}

/** What of the findings the map shows: what the board's list does, else those that are open. */
const findingsWhere = computed(() => {
	const desk = view.value.desk;
	return JSON.stringify(desk?.name === "findings" ? desk.where : {});
});
const findingsShown = computed(() => findingsFilter(JSON.parse(findingsWhere.value) as Record<string, string>));

const input = computed<StyleInput>(() => {
	const all = collections.value;
	const list = layers.value;
	return {
		theme: theme.value,
		language: labelLanguage.value,
		base: location.origin,
		collections: new Set(all.status === "ready" ? all.value.filter((c) => c.count !== 0).map((c) => c.name) : []),
		threeD: threeD.value,
		maxzoom: tileMaxzoom,
		grouped: true,
		hidden: new Set(list.filter((l) => !l.on).map((l) => l.name)),
		opacity: Object.fromEntries(list.map((l) => [l.name, l.opacity])),
		generated: generatedLayers.value,
		icons: true,
		areaNames: true,
		labels: fontsReady.value,
		findings: findingsShown.value,
	};
});

/** What is outlined: the feature of the card, or of the page. */
const outlined = computed(() => (view.value.structure || view.value.desk ? structureShape.value : null) ?? selectedFeature.value);

export const overlays = computed<Overlays>(() => ({
	selection: outlined.value ? { type: "Feature", properties: {}, geometry: outlined.value.geometry } : null,
	near: nearFeatures(),
	measure: sketch.value ?? measureFeatures(measurePoints.value, measureClosed.value),
	desk: deskShapes.value,
	clusters: clusters.value,
	areaNames: areaNames.value,
}));

/** The style for what is chosen now; changes with the choices, not with the overlays' data. */
export const style = computed<StyleSpecification>(() =>
	buildStyle(
		input.value,
		untracked(() => overlays.value),
	),
);

const herePlace = computed(() => {
	const h = view.value.here;
	return h ? `${h.lon}/${h.lat}` : "";
});

const nearOrigin = computed(() => {
	const n = view.value.near;
	return n ? `${n.lon}/${n.lat}` : "";
});

function nearFeatures(): FeatureCollection {
	const features: GeoJSON.Feature[] = [];
	const [lon, lat] = nearOrigin.value.split("/").map(Number);
	const origin: [number, number] | null = lon !== undefined && lat !== undefined ? [lon, lat] : null;
	if (origin) {
		nearResults.value.forEach((f, i) => {
			const at = pointOf(f.geometry);
			if (!at) return;
			features.push(
				{ type: "Feature", properties: { kind: "line" }, geometry: { type: "LineString", coordinates: [origin, at] } },
				{
					type: "Feature",
					properties: { kind: "result", rank: String(i + 1), id: String((f as { key?: unknown }).key ?? f.id ?? "") },
					geometry: { type: "Point", coordinates: at },
				},
			);
		});
	}
	const [hereLon, hereLat] = herePlace.value.split("/").map(Number);
	if (hereLon !== undefined && hereLat !== undefined) {
		features.push({
			type: "Feature",
			properties: { kind: "here" },
			geometry: { type: "Point", coordinates: [hereLon, hereLat] },
		});
	}
	const me = myPlace.value;
	const dot = origin ?? (me ? [me.lon, me.lat] : null);
	if (dot) features.push({ type: "Feature", properties: { kind: "origin" }, geometry: { type: "Point", coordinates: dot } });
	return { type: "FeatureCollection", features };
}

/** A point to stand for a geometry: itself, or the middle of its first ring or line. */
export function pointOf(g: GeoJSON.Geometry | null): [number, number] | null {
	if (!g) return null;
	switch (g.type) {
		case "Point":
			return [g.coordinates[0] ?? 0, g.coordinates[1] ?? 0];
		case "MultiPoint":
			return middle(g.coordinates.slice(0, 1));
		case "LineString":
			return middle(g.coordinates);
		case "MultiLineString":
			return middle(g.coordinates[0] ?? []);
		case "Polygon":
			return middle(g.coordinates[0] ?? []);
		case "MultiPolygon":
			return middle(g.coordinates[0]?.[0] ?? []);
		default:
			return pointOf(g.geometries[0] ?? null);
	}
}

function middle(points: readonly GeoJSON.Position[]): [number, number] | null {
	if (points.length === 0) return null;
	const xs = points.map((p) => p[0] ?? 0);
	const ys = points.map((p) => p[1] ?? 0);
	return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

export function measureFeatures(points: readonly LonLat[], closed: boolean): FeatureCollection {
	const at = points.map((p) => [p[0], p[1]]);
	const first = at[0];
	const features: GeoJSON.Feature[] = at.map((coordinates) => ({
		type: "Feature",
		properties: {},
		geometry: { type: "Point", coordinates },
	}));
	if (closed && first && at.length > 2) {
		features.unshift({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [[...at, first]] } });
	} else if (at.length > 1) {
		features.unshift({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: at } });
	}
	return { type: "FeatureCollection", features };
}

/** Notes which categories the tiles of collections without a design hold. */
export function sampleCategories(map: MapLibre): void {
	const next: Record<string, readonly string[]> = { ...seenCategories.peek() };
	let changed = false;
	for (const g of generatedLayers.peek()) {
		const field = categoryField(g.collection);
		const source = sourceOf(g.collection, true);
		if (!field || (next[g.collection]?.length ?? 0) >= 7 || !map.getSource(source)) continue;
		const counts = new Map<string, number>();
		for (const f of map.querySourceFeatures(source, { sourceLayer: g.collection })) {
			const v = f.properties[field];
			if (typeof v === "string" && v !== "") counts.set(v, (counts.get(v) ?? 0) + 1);
		}
		const known = next[g.collection] ?? [];
		const fresh = [...counts.entries()]
			.sort((a, b) => b[1] - a[1])
			.map(([v]) => v)
			.filter((v) => !known.includes(v));
		if (fresh.length === 0) continue;
		// Colours stay with their value: new values go to the end; the eighth and later stay plain.
		next[g.collection] = [...known, ...fresh].slice(0, 7);
		changed = true;
	}
	if (changed) seenCategories.value = next;
}
