// Follows the server's events: which tiles changed, which collections are new.

import type { Map as MapLibre } from "maplibre-gl";
import { liveStatus } from "../state/store";

export interface TilesEvent {
	readonly collection: string;
	readonly rev: number;
	/** Changed tiles at the TileJSON's maxzoom, "z/x/y"; their parents changed too. */
	readonly tiles?: readonly string[];
	readonly bbox?: readonly [number, number, number, number];
}

export interface TileId {
	readonly z: number;
	readonly x: number;
	readonly y: number;
}

/** How long a source's requests ask for at least the announced revision. */
const freshFor = 15_000;
const revisions = new Map<string, { rev: number; until: number }>();

/** Adds `minrev` to a tile request while a change of its collections is fresh. */
export function freshTileUrl(url: string, now = Date.now()): string {
	const m = /\/tiles\/([^/]+)\/\d+\/\d+\/\d+\.mvt$/.exec(url);
	if (!m?.[1]) return url;
	let rev = 0;
	for (const c of decodeURIComponent(m[1]).split(",")) {
		const r = revisions.get(c);
		if (r && r.until > now) rev = Math.max(rev, r.rev);
	}
	return rev > 0 ? `${url}?minrev=${rev}` : url;
}

/** The changed tiles with all their ancestors. */
export function withParents(tiles: readonly string[]): TileId[] {
	const seen = new Map<string, TileId>();
	for (const t of tiles) {
		let [z = 0, x = 0, y = 0] = t.split("/").map(Number);
		for (; z >= 0; z--) {
			const key = `${z}/${x}/${y}`;
			if (seen.has(key)) break;
			seen.set(key, { z, x, y });
			x >>= 1;
			y >>= 1;
		}
	}
	return [...seen.values()];
}

/** Refreshes the tiles of one source that an event names. */
export function refresh(map: MapLibre, source: string, e: TilesEvent): void {
	revisions.set(e.collection, { rev: e.rev, until: Date.now() + freshFor });
	if (!map.getSource(source)) return;
	const tiles = e.tiles && e.tiles.length > 0 ? withParents(e.tiles) : null;
	const run = () => {
		if (!map.getSource(source)) return;
		if (!tiles) {
			map.refreshTiles(source);
			return;
		}
		map.refreshTiles(source, tiles);
		forgetHidden(map, source);
	};
	const pending = !map.isSourceLoaded(source);
	run();
	// A tile that was under way when the event came may hold the old state, and
	// refreshTiles passes over it: once more when all have arrived.
	if (pending) map.once("idle", run);
}

/** Drops the tiles kept outside of the view, which refreshTiles does not reach. */
function forgetHidden(map: MapLibre, source: string): void {
	const managers = map.style.tileManagers as Record<string, { _outOfViewCache?: { reset(): unknown } }>;
	managers[source]?._outOfViewCache?.reset();
}

/** Forgets every tile of every source, shown or kept, and asks for what is in view anew. */
export function forgetTiles(map: MapLibre): void {
	for (const [id, manager] of Object.entries(map.style.tileManagers)) {
		if (!id.startsWith("o-")) manager.clearTiles();
	}
	map._update();
}

/** Opens the event stream and keeps it open; returns the function that ends it. */
export function follow(onTiles: (e: TilesEvent) => void, onReset: () => void): () => void {
	let source: EventSource | null = null;
	let timer: ReturnType<typeof setTimeout> | undefined;
	let failures = 0;
	let ended = false;
	let everOpen = false;
	let fresh = false;
	const open = () => {
		source = new EventSource("/api/live");
		source.onopen = () => {
			failures = 0;
			liveStatus.value = "on";
			// A connection made anew (not the browser's own retry) has no Last-Event-ID.
			if (everOpen && fresh) onReset();
			everOpen = true;
			fresh = false;
		};
		source.addEventListener("tiles", (m) => {
			const e = parseEvent((m as MessageEvent<string>).data);
			if (e) onTiles(e);
		});
		// The server cannot say what was missed: everything may have changed.
		source.addEventListener("reset", onReset);
		source.onerror = () => {
			failures++;
			liveStatus.value = !everOpen && failures > 2 ? "off" : "lost";
			// The browser retries by itself unless the server refused.
			if (source?.readyState === EventSource.CLOSED && !ended) {
				fresh = true;
				timer = setTimeout(open, Math.min(30_000, 1000 * 2 ** failures));
			}
		};
	};
	open();
	return () => {
		ended = true;
		clearTimeout(timer);
		source?.close();
	};
}

function parseEvent(data: string): TilesEvent | null {
	try {
		const e = JSON.parse(data) as TilesEvent;
		return typeof e.collection === "string" ? { ...e, rev: Number(e.rev) || 0 } : null;
	} catch {
		return null;
	}
}
