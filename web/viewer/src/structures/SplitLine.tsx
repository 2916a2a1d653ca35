import type { Position } from "geojson";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { mapTap, measurePoints, structureShape } from "../state/store";
import { areaText } from "../ui/text";
import type { Structure } from "./api";
import type { Part } from "./commands";
import { cut, cuttable } from "./cut";
import { groundArea } from "./outline";
import { tell } from "./words";

/** Two taps on the map draw the cut; the parts are outlined there, the larger keeps the number. */
export function SplitLine(props: { structure: Structure; onParts: (parts: readonly Part[]) => void }) {
	const g = props.structure.geometry;
	const [points, setPoints] = useState<readonly Position[]>([]);
	const [a, b] = points;
	const parts = useMemo(() => (cuttable(g) && a && b ? cut(g, [a, b]) : null), [g, a, b]);
	// Before the words that ask for a tap are seen: the first tap counts.
	useLayoutEffect(() => {
		mapTap.value = (p) => setPoints((old) => (old.length === 2 ? [[...p]] : [...old, [...p]]));
		return () => {
			mapTap.value = null;
			measurePoints.value = [];
			structureShape.value = g && { type: "Feature", properties: {}, geometry: g };
		};
	}, [g]);
	useEffect(() => {
		measurePoints.value = points.map(([lon = 0, lat = 0]) => [lon, lat] as const);
		if (parts)
			structureShape.value = {
				type: "Feature",
				properties: {},
				geometry: { type: "GeometryCollection", geometries: [...parts] },
			};
		props.onParts(parts ? parts.map((geometry) => ({ geometry })) : []);
	}, [points, parts]);
	return (
		<div role="status">
			<p>
				{points.length === 2 && !parts
					? tell("split.misses")
					: parts
						? tell("split.parts", { one: areaText(groundArea(parts[0])), two: areaText(groundArea(parts[1])) })
						: tell(points.length === 0 ? "split.first" : "split.second")}
			</p>
			{points.length > 0 && (
				<button type="button" class="link-button" onClick={() => setPoints([])}>
					{tell("split.again")}
				</button>
			)}
		</div>
	);
}
