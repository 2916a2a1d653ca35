import "../css/structures.css";
import { useEffect } from "preact/hooks";
import { selected } from "../state/selection";
import { structureShape, update, view } from "../state/store";
import { uidOf } from "../ui/text";
import { picked } from "./Neighbour";
import { StartPage } from "./StartPage";
import { StructurePage } from "./StructurePage";
import { parseUid } from "./uid";

/** The department's panel: to find a structure, or its page. */
export function StructurePanel() {
	useTaps();
	const v = view.value.structure;
	const uid = v?.uid ?? "";
	const parsed = uid === "" ? null : parseUid(uid);
	const written = parsed && "uid" in parsed ? parsed.uid : null;
	// One address for one structure, however its number was written.
	useEffect(() => {
		if (v && written && written !== uid) update({ structure: { ...v, uid: written } }, false);
	}, [written, uid]);
	useEffect(() => {
		if (!written) structureShape.value = null;
		return () => {
			structureShape.value = null;
		};
	}, [written]);
	if (!v) return null;
	return (
		<section class={`structure card${v.than === null ? "" : " wide"}`} aria-labelledby="structure-title">
			{written ? <StructurePage uid={written} asof={v.asof} than={v.than} /> : <StartPage text={uid} />}
		</section>
	);
}

/** A tap on another building turns to its page; on anything else, to its card. */
function useTaps(): void {
	const { selection, here, structure } = view.value;
	const found = selected.value;
	useEffect(() => {
		if (!structure) return;
		if (here) update({ structure: null }, false);
		if (!selection || !found || found.status === "loading") return;
		const uid = found.status === "ready" ? uidOf(found.value) : "";
		if (uid && picked.peek() !== null) {
			picked.value = uid;
			update({ selection: null }, false);
			return;
		}
		update(uid ? { structure: { ...structure, uid, than: null }, selection: null } : { structure: null }, false);
	}, [selection, here, found]);
}
