import { theMap } from "../map/camera";
import { update } from "../state/store";

/** Closes the card and gives the focus back to the map. */
export function closeCard(): void {
	update({ selection: null, here: null });
	theMap()?.getCanvas().focus({ preventScroll: true });
}
