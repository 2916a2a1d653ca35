// The structure of the page, on the map.

import { useEffect } from "preact/hooks";
import { showWhole } from "../map/camera";
import { mapReady, structureShape } from "../state/store";
import type { Structure } from "./api";

/** Outlines the structure on the map, and brings it into view when it is a new one. */
export function useShape(s: Structure | null): void {
	useEffect(() => {
		if (s) structureShape.value = s.geometry && { type: "Feature", properties: {}, geometry: s.geometry };
	}, [s]);
	const ready = mapReady.value;
	useEffect(() => {
		if (!s?.geometry || !ready || shown === s.uid) return;
		// A link that says where to look is not overruled.
		const told = shown === "" && linked;
		shown = s.uid;
		if (!told) showWhole(s.geometry);
	}, [s?.uid, ready]);
}

/** The structure that the map was last moved to. */
let shown = "";
/** The address that the visit began with told where to look. */
const linked = new URLSearchParams(location.search).has("at") && new URLSearchParams(location.search).has("structure");
