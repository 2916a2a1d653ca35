import { flyTo, theMap } from "../map/camera";
import { myPlace, update, view } from "../state/store";
import { announce } from "../state/toasts";

/** Asks the device where it is; explains when it cannot say. */
export function locate(): Promise<{ lon: number; lat: number } | null> {
	if (!isSecureContext) {
		announce({ kind: "place", reason: "insecure" });
		return Promise.resolve(null);
	}
	if (!navigator.geolocation) {
		announce({ kind: "place", reason: "unavailable" });
		return Promise.resolve(null);
	}
	return new Promise((resolve) => {
		navigator.geolocation.getCurrentPosition(
			(p) => {
				const { longitude: lon, latitude: lat, accuracy } = p.coords;
				myPlace.value = { lon, lat, accuracy };
				resolve({ lon, lat });
			},
			(e) => {
				announce({ kind: "place", reason: e.code === e.PERMISSION_DENIED ? "denied" : "unavailable" });
				resolve(null);
			},
			{ enableHighAccuracy: true, timeout: 10_000, maximumAge: 60_000 },
		);
	});
}

export async function showMe(): Promise<void> {
	const p = await locate();
	if (p) flyTo(p.lon, p.lat, Math.max(theMap()?.getZoom() ?? 0, 15.5));
}

/** Shows what is nearest to where the device is. */
export async function nearMe(category = view.peek().near?.category ?? ""): Promise<void> {
	update({ panel: "near" });
	const me = await locate();
	if (me) update({ near: { category, ...me, me: true }, panel: "near" });
}
