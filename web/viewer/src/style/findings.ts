// Findings by how grave they are. They are never public, so this layer is in no
// published style.

import { byZoom } from "./expressions.ts";
import type { FilterSpecification, LayerContext, LayerSpecification } from "./types.ts";

export const findingsCollection = "findings";

/** From the gravest; each has a colour (Okabe–Ito) and a size, so that colour is not alone. */
export const severities = ["high", "medium", "low", "info"] as const;
export type Severity = (typeof severities)[number];

export const severityColors: Readonly<Record<Severity, string>> = {
	high: "#C03A00",
	medium: "#E69F00",
	low: "#0072B2",
	info: "#6B6B6B",
};

/** The fields of a finding that a tile has and a list can be narrowed by. */
const fields = ["rule", "severity", "ward", "owner", "state", "uid"];

/** The filter for a list's choice; without a state: what is open. */
export function findingsFilter(where: Readonly<Record<string, string>>): FilterSpecification {
	const state = where.state ?? "";
	const parts: unknown[] = fields.flatMap((f) => (f !== "state" && where[f] ? [["==", ["get", f], where[f]]] : []));
	if (state !== "all") parts.push(["==", ["get", "state"], state || "open"]);
	return ["all", ...parts] as FilterSpecification;
}

export function findings(x: LayerContext): LayerSpecification[] {
	const bySeverity = (of: (s: Severity) => string | number) =>
		["match", ["get", "severity"], ...severities.slice(0, -1).flatMap((s) => [s, of(s)]), of("info")] as never;
	const sizes: Readonly<Record<Severity, number>> = { high: 1.35, medium: 1.1, low: 0.9, info: 0.75 };
	return [
		{
			id: "findings",
			type: "circle",
			source: x.source(findingsCollection),
			"source-layer": findingsCollection,
			filter: x.input.findings ?? true,
			layout: {
				visibility: x.visible(findingsCollection),
				"circle-sort-key": bySeverity((s) => severities.length - severities.indexOf(s)),
			},
			paint: {
				"circle-color": bySeverity((s) => severityColors[s]),
				"circle-radius": [
					"interpolate",
					["linear"],
					["zoom"],
					9,
					["*", 2.5, bySeverity((s) => sizes[s])],
					14,
					["*", 6, bySeverity((s) => sizes[s])],
					18,
					["*", 11, bySeverity((s) => sizes[s])],
				],
				"circle-opacity": x.opacity(findingsCollection, 0.92),
				"circle-stroke-color": x.c.halo,
				"circle-stroke-width": byZoom([9, 0.5], [14, 1.6]),
			},
		},
	];
}
