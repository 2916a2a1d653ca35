// Builds the map's style as a pure function of what the reader chose. The same
// function writes the published /styles/*.json at build time.

import { boundaries } from "./boundaries.ts";
import { buildings } from "./buildings.ts";
import { findings, findingsCollection } from "./findings.ts";
import { generated } from "./generated.ts";
import { ground } from "./ground.ts";
import { labels } from "./labels.ts";
import { areaNameSource, clusterLayers, type Overlays, overlayLayers, overlaySources } from "./overlays.ts";
import { palettes } from "./palette.ts";
import { facilityIconZoom, points } from "./points.ts";
import { transport } from "./transport.ts";
import type { LayerContext, LayerSpecification, SourceSpecification, StyleInput, StyleSpecification } from "./types.ts";

/**
 * Collections with a designed style, grouped into tile requests: few requests
 * for the first view, and a change refreshes only its own group.
 */
export const sourceGroups: Readonly<Record<string, readonly string[]>> = {
	base: ["land", "water", "greens", "roads", "rail"],
	buildings: ["buildings"],
	areas: ["wards", "prabhags", "places"],
	places: ["facilities", "sensors"],
};

export const designedCollections: readonly string[] = Object.values(sourceGroups).flat();

/** The sources that a collection's tiles arrive in, for a style input. */
export function sourceOf(collection: string, grouped: boolean): string {
	if (!grouped) return collection;
	for (const [id, members] of Object.entries(sourceGroups)) {
		if (members.includes(collection)) return id;
	}
	return `c-${collection}`;
}

export function buildStyle(input: StyleInput, overlays?: Overlays): StyleSpecification {
	const x = context(input);
	const auto = input.generated.map((g) => generated(x, g));
	const layers: LayerSpecification[] = [
		...ground(x),
		...transport(x),
		...auto.flatMap((g) => g.shapes.filter((l) => l.type === "fill")),
		...boundaries(x),
		...buildings(x),
		...auto.flatMap((g) => g.shapes.filter((l) => l.type !== "fill")),
		...auto.flatMap((g) => g.names),
		...points(x),
		...findings(x),
		...labels(x),
		// Above the names in order to be placed before them: names keep clear of the counts.
		...(overlays ? clusterLayers(x, facilityIconZoom) : []),
	]
		.filter((l) => input.labels || l.type !== "symbol")
		.filter((l) => !("source-layer" in l) || input.collections.has(String(l["source-layer"])));
	return {
		version: 8,
		name: `Nagar ${input.theme}`,
		sources: { ...tileSources(input), ...(overlays ? overlaySources(overlays) : {}) },
		layers: overlays ? [...layers, ...overlayLayers(x)] : layers,
		light: { anchor: "viewport", color: "#FFFFFF", intensity: input.theme === "dark" ? 0.25 : 0.35, position: [1.2, 210, 35] },
	};
}

function context(input: StyleInput): LayerContext {
	// Devanagari and Latin stacks differ in name, so that glyphs drawn before
	// the Devanagari face was loaded are never reused after.
	const tail = input.language === "en" ? [] : ["sans-serif"];
	return {
		input,
		c: palettes[input.theme],
		source: (collection) => sourceOf(collection, input.grouped),
		names: (collection) =>
			input.areaNames
				? { source: areaNameSource, is: ["==", ["get", "collection"], collection] }
				: { source: sourceOf(collection, input.grouped), "source-layer": collection, is: ["literal", true] as never },
		visible: (collection) => (input.hidden.has(collection) ? "none" : "visible"),
		opacity: (collection, value) => value * (input.opacity[collection] ?? 1),
		regular: ["Mukta", ...tail],
		bold: ["Mukta SemiBold", ...tail],
	};
}

function tileSources(input: StyleInput): Record<string, SourceSpecification> {
	const members = new Map<string, string[]>();
	for (const c of [...designedCollections, findingsCollection, ...input.generated.map((g) => g.collection)]) {
		if (!input.collections.has(c)) continue;
		const id = sourceOf(c, input.grouped);
		members.set(id, [...(members.get(id) ?? []), c]);
	}
	const sources: Record<string, SourceSpecification> = {};
	for (const [id, names] of members) {
		sources[id] = {
			type: "vector",
			tiles: [`${input.base}/tiles/${names.map(encodeURIComponent).join(",")}/{z}/{x}/{y}.mvt`],
			minzoom: 0,
			maxzoom: input.maxzoom,
		};
	}
	return sources;
}
