import type { Polygon } from "geojson";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { LonLat } from "../format/geodesy";
import { mapTap, measureClosed, measurePoints } from "../state/store";
import { areaText } from "../ui/text";
import { groundArea } from "./outline";
import { tell } from "./words";

/** An outline by its corners, tapped on the map one after the other as when measuring. */
export function DrawOutline(props: { onOutline: (g: Polygon | null) => void }) {
	const [drawing, setDrawing] = useState(false);
	const [points, setPoints] = useState<readonly LonLat[]>([]);
	// Before the words that ask for a tap are seen: the first tap counts.
	useLayoutEffect(() => {
		if (!drawing) return;
		mapTap.value = (p) => setPoints((old) => [...old, p]);
		return () => {
			mapTap.value = null;
			measurePoints.value = [];
			measureClosed.value = false;
		};
	}, [drawing]);
	const polygon = polygonOf(points);
	useEffect(() => {
		if (!drawing) return;
		measurePoints.value = points;
		measureClosed.value = polygon !== null;
		props.onOutline(polygon);
	}, [drawing, points]);
	if (!drawing) {
		return (
			<button type="button" class="link-button" onClick={() => setDrawing(true)}>
				{tell("outline.draw")}
			</button>
		);
	}
	return (
		<div role="status">
			<p>{polygon ? tell("outline.area", { area: areaText(groundArea(polygon)) }) : tell("outline.tap")}</p>
			<button type="button" class="link-button" onClick={() => setPoints(points.slice(0, -1))} disabled={points.length === 0}>
				{tell("outline.back")}
			</button>{" "}
			<button
				type="button"
				class="link-button"
				onClick={() => {
					setPoints([]);
					setDrawing(false);
					props.onOutline(null);
				}}
			>
				{tell("outline.none")}
			</button>
		</div>
	);
}

function polygonOf(points: readonly LonLat[]): Polygon | null {
	const [first] = points;
	if (!first || points.length < 3) return null;
	const ring = [...points, first].map(([lon, lat]) => [Number(lon.toFixed(8)), Number(lat.toFixed(8))]);
	const polygon: Polygon = { type: "Polygon", coordinates: [ring] };
	return groundArea(polygon) > 0 ? polygon : null;
}
