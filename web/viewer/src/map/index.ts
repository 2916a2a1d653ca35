// Makes the map and keeps it in step with the state, both ways.

import { effect } from "@preact/signals";
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { Map as MapClass } from "maplibre-src/ui/map.ts";
import { language, t } from "../i18n";
import { checkReader } from "../state/me";
import { refetch } from "../state/selection";
import {
	city,
	collections,
	deskChanges,
	loadCollections,
	mapReady,
	mapTap,
	measureClosed,
	measurePoints,
	onHistory,
	phone,
	reducedMotion,
	seenFacilities,
	selectedFeature,
	session,
	tilesFailed,
	update,
	view,
} from "../state/store";
import { announce } from "../state/toasts";
import { sourceOf } from "../style";
import { clusterZoom, type Overlays, overlaySources } from "../style/overlays";
import { facilityIconZoom } from "../style/points";
import { namesOfAreas } from "./area-names";
import { cameraOf, flyTo, reveal, setTheMap, showWhole, startCamera } from "./camera";
import { cluster, facilitiesOnMap } from "./clusters";
import { fontsFor } from "./fonts";
import { drawIcon, iconRatio } from "./icons";
import { follow, forgetTiles, freshTileUrl, refresh, type TilesEvent } from "./live";
import { pick } from "./pick";
import { areaNames, clusters, fontsReady, forgetSeen, labelLanguage, overlays, sampleCategories, style } from "./style-input";

/** Radius around a tap in which a thing counts as hit, in pixels. */
const touchRadius = 22;
const mouseRadius = 6;

export function startMap(container: HTMLElement): void {
	labelLanguage.value = language.peek();
	void fontsFor(language.peek()).then(() => {
		fontsReady.value = true;
	});
	const fromAddress = view.peek().camera !== null;
	// Three pixels for one cost a phone much, and nobody sees them. The first
	// view is drawn coarse, which is four times less work, and sharpened once it is there.
	const sharp = Math.min(devicePixelRatio, 2);
	const map = new MapClass({
		container,
		style: style.peek(),
		...startCamera(),
		minZoom: 7,
		maxZoom: 20,
		maxPitch: 75,
		attributionControl: false,
		refreshExpiredTiles: false,
		validateStyle: false,
		fadeDuration: phone.peek() || reducedMotion.matches ? 0 : 150,
		pixelRatio: phone.peek() ? Math.min(devicePixelRatio, 1) : sharp,
		transformRequest: (url) => ({ url: freshTileUrl(url) }),
		canvasContextAttributes: { antialias: devicePixelRatio === 1 },
	});
	setTheMap(map);
	if (map.getPixelRatio() !== sharp) map.once("idle", () => map.setPixelRatio(sharp));
	if (import.meta.env.MODE !== "production") (globalThis as Record<string, unknown>).map = map;

	keepStyle(map);
	keepCamera(map);
	keepClusters(map);
	keepHealth(map);
	listen(map);
	live(map);

	// A link to a feature without a camera shows the feature.
	if (!fromAddress && view.peek().selection) {
		const stop = effect(() => {
			const f = selectedFeature.value;
			if (f)
				queueMicrotask(() => {
					stop();
					showWhole(f.geometry);
				});
		});
	}
	onHistory.push((v) => {
		const c = v.camera;
		if (c) map.jumpTo({ center: [c.lon, c.lat], zoom: c.zoom, bearing: c.bearing, pitch: c.pitch });
	});
}

function keepStyle(map: MapLibre): void {
	map.setMissingStyleImageResolver((id) => {
		const image = drawIcon(id);
		if (image && !map.hasImage(id)) map.addImage(id, image, { pixelRatio: iconRatio });
	});
	let applied = style.peek();
	let loaded = false;
	const apply = () => {
		const next = style.peek();
		if (!loaded || next === applied) return;
		applied = next;
		map.setStyle(next, { diff: true, validate: false });
	};
	map.once("style.load", () => {
		loaded = true;
		apply();
	});
	effect(() => {
		style.value;
		apply();
	});
	// What is drawn over the tiles changes often: its data goes past the style.
	const sent = new Map<string, unknown>();
	const send = (all: Overlays) => {
		for (const [id, source] of Object.entries(overlaySources(all))) {
			const target = map.getSource(id);
			if (source.type !== "geojson" || target?.type !== "geojson" || sent.get(id) === source.data) continue;
			sent.set(id, source.data);
			(target as GeoJSONSource).setData(source.data);
		}
	};
	effect(() => send(overlays.value));
	map.once("load", () => send(overlays.peek()));
	// Labels change language when the faces to draw them with are loaded.
	effect(() => {
		const wanted = language.value;
		void fontsFor(wanted).then(() => {
			if (wanted === language.peek()) labelLanguage.value = wanted;
		});
	});
	effect(() => {
		const name = t("map.label");
		map.getCanvas().setAttribute("aria-label", name);
	});
	map.on("idle", () => {
		sampleCategories(map);
		const names = namesOfAreas(map);
		if (names) areaNames.value = names;
	});
}

function keepCamera(map: MapLibre): void {
	map.on("moveend", () => update({ camera: cameraOf(map) }, false));
	// For those who measure: ms since the navigation until ground, roads and
	// wards were drawn, and whether everything was.
	const page = document.documentElement.dataset;
	const onRender = () => {
		const shown = ["base", "areas"].filter((id) => map.getSource(id));
		if (!shown.every((id) => map.isSourceLoaded(id))) return;
		map.off("render", onRender);
		page.mapDrawn = String(Math.round(performance.now()));
		mapReady.value = true;
	};
	map.on("render", onRender);
	map.once("idle", () => {
		page.map = "ready";
		mapReady.value = true;
	});
	effect(() => {
		const b = city.value?.bounds;
		// Room to look around, without getting lost at the other end of the world.
		if (b) map.setMaxBounds([b[0] - 1.2, b[1] - 1.2, b[2] + 1.2, b[3] + 1.2]);
	});
}

function keepClusters(map: MapLibre): void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const recount = () => {
		clearTimeout(timer);
		timer = setTimeout(() => {
			const zoom = map.getZoom();
			const wanted = zoom >= clusterZoom && zoom < facilityIconZoom + 0.3;
			const points = zoom >= clusterZoom ? facilitiesOnMap(map, sourceOf("facilities", true)) : [];
			const seen = seenFacilities.peek();
			const fresh = points.filter((p) => !seen.has(p.category));
			if (fresh.length > 0) seenFacilities.value = new Set([...seen, ...fresh.map((p) => p.category)]);
			const next = cluster(wanted ? points : [], zoom, language.peek());
			if (next.features.length > 0 || clusters.peek().features.length > 0) clusters.value = next;
		}, 120);
	};
	map.on("moveend", recount);
	map.on("sourcedata", (e) => {
		if (e.sourceId === sourceOf("facilities", true) && e.tile) recount();
	});
}

function keepHealth(map: MapLibre): void {
	// Tiles that fail are shown in the interface; the handler keeps the console quiet.
	map.on("error", (e) => {
		const status = (e.error as { status?: number } | undefined)?.status;
		if (status !== 404) tilesFailed.value = true;
	});
	map.on("sourcedata", (e) => {
		if (e.tile && tilesFailed.peek()) tilesFailed.value = false;
	});
	addEventListener("online", () => {
		for (const id of Object.keys(map.style.tileManagers)) if (!id.startsWith("o-")) map.refreshTiles(id);
	});
}

function tap(map: MapLibre, x: number, y: number, radius: number): void {
	const v = view.peek();
	if (v.panel === "measure") {
		if (measureClosed.peek()) return;
		const p = map.unproject([x, y]);
		measurePoints.value = [...measurePoints.peek(), [p.lng, p.lat]];
		return;
	}
	const take = mapTap.peek();
	if (take) {
		const p = map.unproject([x, y]);
		take([p.lng, p.lat]);
		return;
	}
	const hit = pick(map, x, y, radius);
	if (!hit) {
		if (v.selection || v.here) update({ selection: null, here: null });
		return;
	}
	if (hit.kind === "cluster") {
		flyTo(hit.lon, hit.lat, Math.min(map.getZoom() + 2, 17));
		return;
	}
	update({ selection: { collection: hit.collection, id: hit.id }, here: null });
	reveal(x, y);
}

/** When "what is here" was asked last, in ms since the epoch. */
let lastAsked = 0;

function ask(map: MapLibre, x: number, y: number): void {
	if (view.peek().panel === "measure") return;
	lastAsked = Date.now();
	const p = map.unproject([x, y]);
	update({ here: { lon: Number(p.lng.toFixed(5)), lat: Number(p.lat.toFixed(5)) }, selection: null });
	reveal(x, y);
}

function listen(map: MapLibre): void {
	const canvas = map.getCanvas();
	let touched = false;
	canvas.addEventListener("pointerdown", (e) => {
		touched = e.pointerType === "touch";
	});
	map.on("click", (e: MapMouseEvent) => {
		// The click that ends a long press is no tap.
		if (Date.now() - lastAsked < 900 && touched) return;
		tap(map, e.point.x, e.point.y, touched ? touchRadius : mouseRadius);
	});
	rightClick(map, canvas);
	longPress(map, canvas);
	canvas.addEventListener("keydown", (e) => {
		const { clientWidth: w, clientHeight: h } = map.getContainer();
		if (e.key === "Enter") tap(map, w / 2, h / 2, touchRadius);
		else if (e.key === "ContextMenu" || (e.key === "F10" && e.shiftKey)) ask(map, w / 2, h / 2);
		else if (e.key === "Backspace" && view.peek().panel === "measure") measurePoints.value = measurePoints.peek().slice(0, -1);
		else return;
		e.preventDefault();
	});
	let frame = 0;
	map.on("mousemove", (e: MapMouseEvent) => {
		if (frame || touched) return;
		frame = requestAnimationFrame(() => {
			frame = 0;
			const measuring = view.peek().panel === "measure" || mapTap.peek() !== null;
			canvas.style.cursor = measuring ? "crosshair" : !map.isMoving() && pick(map, e.point.x, e.point.y, 3) ? "pointer" : "";
		});
	});
}

/**
 * A right click that is no drag asks what is here. The map's own contextmenu event
 * would be lost when a resize or a new style resets its handlers between press and
 * release, and browsers disagree on which of the two sends it.
 */
function rightClick(map: MapLibre, canvas: HTMLCanvasElement): void {
	let start: { x: number; y: number } | null = null;
	const isRight = (e: MouseEvent) => e.button === 2 || (e.button === 0 && e.ctrlKey);
	canvas.addEventListener("contextmenu", (e) => e.preventDefault());
	canvas.addEventListener("mousedown", (e) => {
		start = isRight(e) ? { x: e.clientX, y: e.clientY } : null;
	});
	canvas.addEventListener("mouseup", (e) => {
		const held = start && isRight(e) && Math.hypot(e.clientX - start.x, e.clientY - start.y) < 5;
		start = null;
		if (!held) return;
		const box = canvas.getBoundingClientRect();
		ask(map, e.clientX - box.left, e.clientY - box.top);
	});
}

/** iOS sends no contextmenu: a finger that rests for half a second asks too. */
function longPress(map: MapLibre, canvas: HTMLCanvasElement): void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let start: { x: number; y: number } | null = null;
	const cancel = () => {
		clearTimeout(timer);
		start = null;
	};
	canvas.addEventListener("touchstart", (e) => {
		cancel();
		const touch = e.touches[0];
		if (e.touches.length !== 1 || !touch) return;
		const box = canvas.getBoundingClientRect();
		const at = { x: touch.clientX - box.left, y: touch.clientY - box.top };
		start = { x: touch.clientX, y: touch.clientY };
		timer = setTimeout(() => ask(map, at.x, at.y), 550);
	});
	canvas.addEventListener("touchmove", (e) => {
		const touch = e.touches[0];
		if (!start || !touch || Math.hypot(touch.clientX - start.x, touch.clientY - start.y) > 8) cancel();
	});
	canvas.addEventListener("touchend", cancel);
	canvas.addEventListener("touchcancel", cancel);
}

/** Collections whose changes a structure's page shows at once. */
const aboutStructures = new Set(["buildings", "structures", "findings", "reviews"]);

/** Collections that a department's desk lists. */
const desks = ["findings", "reviews"];

function live(map: MapLibre): void {
	const onTiles = (e: TilesEvent) => {
		if (desks.includes(e.collection)) {
			const n = deskChanges.peek();
			deskChanges.value = { ...n, [e.collection]: (n[e.collection] ?? 0) + 1 };
		}
		const all = collections.peek();
		const known = all.status === "ready" && all.value.some((c) => c.name === e.collection && c.count !== 0);
		refresh(map, sourceOf(e.collection, true), e);
		const v = view.peek();
		const about = v.structure && aboutStructures.has(e.collection);
		if (v.selection?.collection === e.collection || about) refetch.value++;
		if (!known) void discover(e.collection);
	};
	// What was missed while the line was down is unknown: look at everything again,
	// and at who the reader is.
	const onReset = () => {
		void checkReader();
		void loadCollections();
		for (const id of Object.keys(map.style.tileManagers)) if (!id.startsWith("o-")) map.refreshTiles(id);
		refetch.value++;
	};
	let stop = follow(onTiles, onReset);
	let shown = session.peek();
	// Another reader: neither tiles nor events of the one before.
	effect(() => {
		if (session.value === shown) return;
		shown = session.value;
		stop();
		forgetSeen();
		forgetTiles(map);
		stop = follow(onTiles, onReset);
	});
}

/** One look at the catalogue for many events of a load. */
let discovering: Promise<void> | null = null;

function discover(name: string): Promise<void> {
	discovering ??= loadCollections().finally(() => {
		discovering = null;
		const all = collections.peek();
		if (all.status === "ready" && all.value.some((c) => c.name === name && c.count !== 0))
			announce({ kind: "newLayer", collection: name });
	});
	return discovering;
}
