// What the reader sees, as signals. The part in `view` is what the address bar
// holds; the rest is fetched or comes and goes.

import { computed, signal } from "@preact/signals";
import type { Feature, FeatureCollection } from "geojson";
import { type ApiErrorKind, type City, type Collection, getCity, getCollections, kindOf } from "../api/client";
import type { LonLat } from "../format/geodesy";
import { language, preferredLanguage } from "../i18n";
import type { ThemeName } from "../style/palette";
import type { Language } from "../style/types";
import { formatView, parseView, type ViewState } from "./url";

export type Loadable<T> =
	| { readonly status: "loading" }
	| { readonly status: "ready"; readonly value: T }
	| { readonly status: "error"; readonly kind: ApiErrorKind };

export const view = signal<ViewState>(parseView(location.search));
export const city = signal<City | null>(null);
export const collections = signal<Loadable<readonly Collection[]>>({ status: "loading" });

/** Grows whenever what the reader may see has changed: all that was fetched before is of another reader. */
export const session = signal(0);

/** Whether what is shown was invented, as the city or the catalogue's sources say. */
export const synthetic = computed(
	() =>
		city.value?.synthetic === true ||
		(collections.value.status === "ready" && collections.value.value.some((c) => /synthetic/i.test(c.source ?? ""))),
);

export const online = signal(navigator.onLine);
/** The live connection; "off" when the server has none. */
export const liveStatus = signal<"connecting" | "on" | "lost" | "off">("connecting");
/** True until the map has drawn its first complete view. */
export const mapReady = signal(false);
/** The browser cannot draw the map (no WebGL); the lists still work. */
export const mapFailed = signal(false);
/** Categories of facilities seen in tiles so far. */
export const seenFacilities = signal<ReadonlySet<string>>(new Set());
/** Tiles that could not be had; cleared when they come again. */
export const tilesFailed = signal(false);

/** The exact geometry of the selection, once known. */
export const selectedFeature = signal<Feature | null>(null);
/** The outline of the structure whose page is open. */
export const structureShape = signal<Feature | null>(null);
/** What a department's desk shows on the map; see Overlays. */
export const deskShapes = signal<FeatureCollection>({ type: "FeatureCollection", features: [] });
/** How often each collection of the departments' desks has changed on the server in this visit. */
export const deskChanges = signal<Readonly<Record<string, number>>>({});
export const nearResults = signal<readonly Feature[]>([]);
export const measurePoints = signal<readonly LonLat[]>([]);
/** What is being drawn; null while nothing is. */
export const sketch = signal<FeatureCollection | null>(null);
/** Takes the next taps on the map in place of choosing what is there. */
export const mapTap = signal<((p: LonLat) => void) | null>(null);
export const measureClosed = signal(false);
/** Where the device says it is; kept out of the address bar. */
export const myPlace = signal<{ lon: number; lat: number; accuracy: number } | null>(null);

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const systemTheme = signal<ThemeName>(systemDark.matches ? "dark" : "light");
systemDark.addEventListener("change", () => {
	systemTheme.value = systemDark.matches ? "dark" : "light";
});

export const theme = computed<ThemeName>(() => view.value.theme ?? systemTheme.value);

const phoneQuery = matchMedia("(max-width: 719px)");
export const phone = signal(phoneQuery.matches);
phoneQuery.addEventListener("change", () => {
	phone.value = phoneQuery.matches;
});

export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Changes the view. `push` makes a step that "back" undoes; without it the
 * current step is rewritten (camera moves, typing).
 */
export function update(patch: Partial<ViewState>, push = true): void {
	const next: ViewState = { ...view.peek(), language: language.peek(), ...patch };
	const address = location.pathname + formatView(next);
	view.value = next;
	if (next.language && next.language !== language.peek()) language.value = next.language;
	if (address === location.pathname + location.search) return;
	if (push) history.pushState(null, "", address);
	else history.replaceState(null, "", address);
}

export function setLanguage(l: Language): void {
	remember("language", l);
	language.value = l;
	update({ language: l });
}

export function setTheme(theme: ThemeName): void {
	remember("theme", theme);
	update({ theme });
}

/** Choices outlive the visit where the browser allows it. */
function remember(key: string, value: string): void {
	try {
		localStorage.setItem(`nagar.${key}`, value);
	} catch {
		// Private windows and blocked storage: the address bar still has it.
	}
}

function remembered(key: string): string | null {
	try {
		return localStorage.getItem(`nagar.${key}`);
	} catch {
		return null;
	}
}

/** Called with the view after "back" or "forward". */
export const onHistory: ((v: ViewState) => void)[] = [];

export function startState(): void {
	const stored = remembered("language");
	const storedLanguage = stored === "en" || stored === "mr" || stored === "hi" ? stored : null;
	const storedTheme = remembered("theme");
	language.value = view.value.language ?? storedLanguage ?? preferredLanguage(navigator.languages);
	if (!view.value.theme && (storedTheme === "light" || storedTheme === "dark")) {
		view.value = { ...view.value, theme: storedTheme };
	}
	addEventListener("popstate", () => {
		const next = parseView(location.search);
		view.value = { ...next, theme: next.theme ?? view.peek().theme };
		if (next.language) language.value = next.language;
		for (const f of onHistory) f(next);
	});
	addEventListener("online", () => {
		online.value = true;
	});
	addEventListener("offline", () => {
		online.value = false;
	});
}

export async function loadCity(): Promise<void> {
	try {
		city.value = await getCity();
	} catch {
		// Without a profile the map opens on what the collections cover.
		city.value = {
			name: "",
			title: {},
			bounds: null,
			center: null,
			zoom: null,
			timeZone: "Asia/Kolkata",
			synthetic: false,
			wards: [],
		};
	}
}

export async function loadCollections(): Promise<void> {
	try {
		collections.value = { status: "ready", value: await getCollections() };
	} catch (e) {
		// What was there stays usable when only the refresh failed.
		if (collections.peek().status !== "ready") {
			collections.value = { status: "error", kind: kindOf(e) };
		}
	}
}
