import { theMap } from "../map/camera";
import { update } from "../state/store";
import type { DeskName } from "../state/url";

/** Closes the card and gives the focus back to the map. */
export function closeCard(): void {
	update({ selection: null, here: null, structure: null });
	theMap()?.getCanvas().focus({ preventScroll: true });
}

/** Opens the page of a structure in place of a card; "": to find one. */
export function openStructure(uid: string): void {
	update({ structure: { uid, asof: "", than: null }, selection: null, here: null });
}

/** Opens a department's desk in place of a card or a page. */
export function openDesk(name: DeskName, where: Readonly<Record<string, string>> = {}): void {
	update({ desk: { name, item: "", where }, structure: null, selection: null, here: null });
}
