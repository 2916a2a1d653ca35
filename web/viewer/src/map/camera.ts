import type { Map as MapLibre } from "maplibre-gl";
import type { City } from "../api/client";
import { bboxOf } from "../format/geodesy";
import { city, collections, phone, reducedMotion, view } from "../state/store";
import type { Camera } from "../state/url";

let current: MapLibre | null = null;

/** The map that the interface moves; null where it could not be made. */
export function theMap(): MapLibre | null {
	return current;
}

export function setTheMap(map: MapLibre | null): void {
	current = map;
}

/** The least of the map, in pixels, in which something is brought into view. */
const leastRoom = 40;

/** Below this width a structure's page leaves no room for the panels on the left. */
const narrow = 1280;

/** Width of a structure's page or a department's desk, as structures.css has it. */
function sideWidth(): number {
	const { structure } = view.peek();
	const wide = !structure || structure.than !== null;
	return Math.min(wide ? 720 : 520, innerWidth * (wide ? 0.62 : 0.5));
}

/** Room that the interface takes from the map, in pixels. */
export function padding(): { top: number; right: number; bottom: number; left: number } {
	const v = view.peek();
	if (phone.peek()) return { top: 84, right: 16, bottom: Math.round(innerHeight * 0.45) + 12, left: 16 };
	if (v.structure || v.desk)
		return { top: 84, right: sideWidth() + 32, bottom: 48, left: innerWidth < narrow || !v.panel ? 24 : 420 };
	return { top: 32, right: v.selection || v.here ? 420 : 72, bottom: 48, left: 420 };
}

function duration(ms: number): number {
	return reducedMotion.matches ? 0 : ms;
}

export function flyTo(lon: number, lat: number, zoom: number): void {
	const p = padding();
	// An offset, since padding given to easeTo would stay with the camera.
	current?.easeTo({
		center: [lon, lat],
		zoom,
		duration: duration(700),
		offset: [(p.left - p.right) / 2, (p.top - p.bottom) / 2],
	});
}

/** Shows a geometry whole; a point at a zoom where its surroundings are seen. */
export function showWhole(geometry: GeoJSON.Geometry | null): void {
	const box = bboxOf(geometry);
	if (box) fitBox(box);
}

export function fitBox([w, s, e, n]: readonly [number, number, number, number]): void {
	if (!current) return;
	if (w === e && s === n) {
		flyTo(w, s, Math.max(current.getZoom(), 16));
		return;
	}
	const p = padding();
	const { clientWidth, clientHeight } = current.getContainer();
	// A window too small for map and interface, or one that is being printed.
	const room = clientWidth - p.left - p.right > leastRoom && clientHeight - p.top - p.bottom > leastRoom;
	if (clientWidth < leastRoom || clientHeight < leastRoom) return;
	current.fitBounds([w, s, e, n], { padding: room ? p : 0, maxZoom: 17.5, duration: duration(700) });
}

export function zoomBy(d: number): void {
	if (!current) return;
	current.easeTo({ zoom: current.getZoom() + d, duration: duration(250) });
}

export function tilt(threeD: boolean): void {
	if (!current) return;
	const zoom = current.getZoom();
	current.easeTo({
		pitch: threeD ? 58 : 0,
		bearing: threeD ? (current.getBearing() === 0 ? -18 : current.getBearing()) : 0,
		zoom: threeD && zoom < 15.2 && zoom > 12 ? 15.6 : zoom,
		duration: duration(900),
	});
}

export function northUp(): void {
	current?.easeTo({ bearing: 0, pitch: 0, duration: duration(400) });
}

/** Moves the map when what was tapped would lie under the panel that opens for it. */
export function reveal(x: number, y: number): void {
	if (!current) return;
	const p = padding();
	const { clientWidth: w, clientHeight: h } = current.getContainer();
	const dx = phone.peek() ? 0 : Math.max(0, x - (w - 440)) - Math.max(0, p.left - x);
	const dy = phone.peek() ? Math.max(0, y - (h - p.bottom - 40)) : 0;
	if (dx !== 0 || dy !== 0) current.panBy([dx, dy], { duration: duration(350) });
}

export function cameraOf(map: MapLibre): Camera {
	const c = map.getCenter();
	return { zoom: map.getZoom(), lat: c.lat, lon: c.lng, bearing: map.getBearing(), pitch: map.getPitch() };
}

export interface Start {
	readonly center?: [number, number];
	readonly zoom?: number;
	readonly bearing?: number;
	readonly pitch?: number;
	readonly bounds?: [number, number, number, number];
}

/** The city's zoom, or a little nearer where a wide screen would show the end of its data. */
function wide(zoom: number, bounds: City["bounds"]): number {
	if (!bounds) return zoom;
	const filled = Math.log2((innerWidth * 360) / (512 * (bounds[2] - bounds[0])));
	return Math.min(Math.max(zoom, filled), zoom + 1);
}

/** The first camera: the address, else the city's, else what the data covers. */
export function startCamera(): Start {
	const v = view.peek();
	const c = v.camera;
	if (c) return { center: [c.lon, c.lat], zoom: c.zoom, bearing: c.bearing, pitch: c.pitch };
	const town = city.peek();
	if (town?.center && town.zoom !== null) {
		return { center: [town.center[0], town.center[1]], zoom: phone.peek() ? town.zoom - 0.6 : wide(town.zoom, town.bounds) };
	}
	if (town?.bounds) return { bounds: [...town.bounds] };
	const all = collections.peek();
	if (all.status === "ready") {
		const boxes = all.value.flatMap((x) => (x.bbox?.length === 4 ? [x.bbox] : []));
		if (boxes.length > 0) {
			return {
				bounds: [
					Math.min(...boxes.map((b) => b[0])),
					Math.min(...boxes.map((b) => b[1])),
					Math.max(...boxes.map((b) => b[2])),
					Math.max(...boxes.map((b) => b[3])),
				],
			};
		}
	}
	return { center: [0, 20], zoom: 2 };
}
