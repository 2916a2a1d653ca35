// The list of layers: what exists, how it is grouped, whether it is on.

import { computed } from "@preact/signals";
import type { Collection } from "../api/client";
import { designedCollections } from "../style";
import { findingsCollection } from "../style/findings";
import { categorical } from "../style/palette";
import { collections, update, view } from "./store";

export type Theme = "services" | "boundaries" | "built" | "movement" | "nature" | "sensing" | "data";

export const themes: readonly Theme[] = ["services", "boundaries", "built", "movement", "nature", "sensing", "data"];

const themeOf: Readonly<Record<string, Theme>> = {
	facilities: "services",
	wards: "boundaries",
	prabhags: "boundaries",
	places: "boundaries",
	buildings: "built",
	roads: "movement",
	rail: "movement",
	greens: "nature",
	water: "nature",
	sensors: "sensing",
	findings: "data",
};

/** Off until asked for: they would hide the rest, or repeat it. */
const offByDefault = new Set(["prabhags", "structures", "plots", "zones", "findings", "reviews"]);
/** Never in the list: the ground itself, and tables that are shown inside others. */
const unlisted = new Set(["land"]);

export interface LayerEntry {
	readonly name: string;
	readonly collection: Collection;
	readonly theme: Theme;
	readonly designed: boolean;
	readonly on: boolean;
	/** 0..1 */
	readonly opacity: number;
	/** Colour of a generated style. */
	readonly color: string;
}

/** Every collection that can be drawn, in the order of the list. */
export const layers = computed<readonly LayerEntry[]>(() => {
	const all = collections.value;
	if (all.status !== "ready") return [];
	const choices = view.value.layers;
	// What holds nothing yet needs no layer; the live events bring it when it does.
	const drawable = all.value.filter((c) => c.geometry !== "none" && c.count !== 0);
	const entries = drawable
		.filter((c) => !unlisted.has(c.name))
		.map((c): LayerEntry => {
			const designed = designedCollections.includes(c.name) || c.name === findingsCollection;
			const choice = choices[c.name];
			return {
				name: c.name,
				collection: c,
				theme: themeOf[c.name] ?? "data",
				designed,
				on: choice?.on ?? (!offByDefault.has(c.name) || view.value.desk?.name === c.name),
				opacity: choice?.opacity ?? 1,
				color: categorical[hash(c.name) % categorical.length] ?? "#0072B2",
			};
		});
	return entries.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
});

function rank(e: LayerEntry): number {
	const i = designedCollections.indexOf(e.name);
	return themes.indexOf(e.theme) * 100 + (i < 0 ? 99 : i);
}

/** A stable colour for a name, whatever else is loaded (FNV-1a). */
export function hash(s: string): number {
	let h = 0x811c9dc5;
	for (let i = 0; i < s.length; i++) h = Math.imul(h ^ s.charCodeAt(i), 0x01000193) >>> 0;
	return h;
}

export function toggleLayer(name: string, on: boolean): void {
	const before = view.peek().layers;
	const usual = !offByDefault.has(name) || view.peek().desk?.name === name;
	update({ layers: { ...before, [name]: { ...before[name], on: on === usual ? undefined : on } } });
}

export function setOpacity(name: string, opacity: number): void {
	const before = view.peek().layers;
	const value = opacity >= 1 ? undefined : Math.round(opacity * 100) / 100;
	update({ layers: { ...before, [name]: { ...before[name], opacity: value } } }, false);
}
