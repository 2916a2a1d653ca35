import { theMap } from "../map/camera";
import { update } from "../state/store";

/** Closes the card and gives the focus back to the map. */
export function closeCard(): void {
	update({ selection: null, here: null, structure: null });
	theMap()?.getCanvas().focus({ preventScroll: true });
}

/** Opens the page of a structure in place of a card; "": to find one. */
export function openStructure(uid: string): void {
	update({ structure: { uid, asof: "", than: null }, selection: null, here: null });
}
