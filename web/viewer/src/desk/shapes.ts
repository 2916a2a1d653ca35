// What a desk draws on the map.

import type { Feature, FeatureCollection } from "geojson";
import { bboxOf } from "../format/geodesy";
import { fitBox, showWhole } from "../map/camera";
import { pointOf } from "../map/style-input";
import { deskShapes } from "../state/store";
import type { Review } from "./api";

/** White numbers are read on all of them, in either theme; neighbours differ for colour-blind readers too. */
const colors = ["#0067A3", "#C03A00", "#00724F", "#8F3B76", "#6B5B00", "#39539B", "#5B5B5B", "#A3263A", "#20716E"] as const;

export function candidateColor(i: number): string {
	return colors[i % colors.length] ?? colors[0];
}

/** The review that the map was last moved to. */
let shownId = "";

/** Outlines a review's candidates with their numbers, and the record's own place. */
export function showReview(r: Review, chosen: string): void {
	const features: Feature[] = r.candidates.flatMap((c, i): Feature[] => {
		const at = pointOf(c.geometry);
		if (!c.geometry || !at) return [];
		const properties = { color: candidateColor(i), chosen: c.uid === chosen, uid: c.uid, n: String(i + 1) };
		return [
			{ type: "Feature", properties, geometry: c.geometry },
			{ type: "Feature", properties: { ...properties, kind: "number" }, geometry: { type: "Point", coordinates: at } },
		];
	});
	const at = pointOf(r.record.geometry);
	if (at) features.push({ type: "Feature", properties: { kind: "record" }, geometry: { type: "Point", coordinates: at } });
	const all: FeatureCollection = { type: "FeatureCollection", features };
	deskShapes.value = all;
	if (shownId === r.id) return;
	shownId = r.id;
	const box = bboxOf({ type: "GeometryCollection", geometries: features.map((f) => f.geometry) });
	if (box && (box[0] !== box[2] || box[1] !== box[3])) fitBox(box);
	else showWhole(features[0]?.geometry ?? null);
}

/** One place, with an outline where there is one. */
export function showPlace(lon: number | undefined, lat: number | undefined): void {
	if (lon === undefined || lat === undefined) return;
	showWhole({ type: "Point", coordinates: [lon, lat] });
}
