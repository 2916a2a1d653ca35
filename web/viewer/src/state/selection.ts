// Fetches what the address selects: a feature, what is at a place, what is near.

import { computed, effect, type Signal, signal } from "@preact/signals";
import type { Feature } from "geojson";
import { type DetailedFeature, getAt, getFeature, getNear, isAbort, kindOf } from "../api/client";
import { type Loadable, nearResults, selectedFeature, session, view } from "./store";

export const selected = signal<Loadable<DetailedFeature> | null>(null);
export const hereResults = signal<Loadable<readonly Feature[]> | null>(null);
export const nearList = signal<Loadable<readonly Feature[]> | null>(null);

/** Bumped to fetch again after an error or a change on the server. */
export const refetch = signal(0);

/** How many nearest places are asked for. */
export const nearCount = 10;

/**
 * Keeps `out` at what `load` gives for `key`; "" means nothing. A new key or a new
 * session shows the loading state, a refetch of the same keeps what is on the screen.
 */
function keep<T>(key: () => string, out: Signal<Loadable<T> | null>, load: (key: string, s: AbortSignal) => Promise<T>): void {
	const current = computed(key);
	let shown = "";
	effect(() => {
		const k = current.value;
		const wanted = `${session.value} ${k}`;
		refetch.value;
		if (k === "") {
			shown = "";
			out.value = null;
			return;
		}
		if (wanted !== shown) out.value = { status: "loading" };
		shown = wanted;
		const abort = new AbortController();
		load(k, abort.signal)
			.then((value) => {
				out.value = { status: "ready", value };
			})
			.catch((e: unknown) => {
				if (!isAbort(e)) out.value = { status: "error", kind: kindOf(e) };
			});
		return () => abort.abort();
	});
}

export function startSelection(): void {
	keep(
		() => {
			const s = view.value.selection;
			return s ? `${s.collection}/${s.id}` : "";
		},
		selected,
		(key, signal) => {
			const i = key.indexOf("/");
			return getFeature(key.slice(0, i), key.slice(i + 1), signal);
		},
	);
	keep(
		() => {
			const h = view.value.here;
			return h ? `${h.lon}/${h.lat}` : "";
		},
		hereResults,
		async (key, signal) => {
			const [lon = 0, lat = 0] = key.split("/").map(Number);
			return (await getAt(lon, lat, signal)).features;
		},
	);
	keep(
		() => {
			const n = view.value.near;
			return n ? `${n.lon}/${n.lat}/${n.category}` : "";
		},
		nearList,
		async (key, signal) => {
			const [lon = "0", lat = "0", ...category] = key.split("/");
			return (await getNear("facilities", Number(lon), Number(lat), nearCount, category.join("/"), signal)).features;
		},
	);
	effect(() => {
		selectedFeature.value = selected.value?.status === "ready" ? selected.value.value : null;
	});
	effect(() => {
		nearResults.value = nearList.value?.status === "ready" ? nearList.value.value : [];
	});
}
