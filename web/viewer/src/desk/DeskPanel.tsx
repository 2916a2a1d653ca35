import "../css/access.css";
import "../css/structures.css";
import "../css/desk.css";
import { useEffect } from "preact/hooks";
import { me, signedIn } from "../state/me";
import { selected } from "../state/selection";
import { update, view } from "../state/store";
import { Failure, Skeleton } from "../ui/parts";
import { uidOf } from "../ui/text";
import { Findings } from "./Findings";
import { DeskHead, openStructureOf, turn } from "./parts";
import { pickedOther } from "./Review";
import { Reviews } from "./Reviews";
import { label } from "./words";

/** The department's desk: findings, or records that wait for a decision. */
export function DeskPanel() {
	useTaps();
	const desk = view.value.desk;
	if (!desk) return null;
	const known = me.value !== null;
	return (
		<section class="structure desk card" aria-labelledby="structure-title">
			{!known || !signedIn.value ? (
				<>
					<DeskHead title={desk.name === "findings" ? label("find.title") : label("review.title")} />
					<div class="structure-body">{known ? <Failure kind="forbidden" /> : <Skeleton lines={8} />}</div>
				</>
			) : desk.name === "findings" ? (
				<Findings desk={desk} />
			) : (
				<Reviews desk={desk} />
			)}
		</section>
	);
}

/** A tap on the map: a finding opens it, a structure is chosen or opened. */
function useTaps(): void {
	const { selection, here, desk } = view.value;
	const found = selected.value;
	useEffect(() => {
		if (!desk) return;
		// "What is here" is asked on purpose: it takes the place of the desk.
		if (here) update({ desk: null }, false);
		if (!selection) return;
		if (desk.name === "reviews" && selection.collection === "structures") {
			pickedOther.value = selection.id;
			update({ selection: null }, false);
			return;
		}
		if (!found || found.status === "loading") return;
		if (found.status === "error") {
			update({ selection: null }, false);
			return;
		}
		const uid = uidOf(found.value);
		if (selection.collection === "findings" && desk.name === "findings") turn({ item: String(found.value.id ?? "") });
		else if (desk.name === "reviews" && desk.item !== "") {
			if (uid) pickedOther.value = uid;
			update({ selection: null }, false);
		} else if (uid) openStructureOf(uid);
		else update({ desk: null }, false);
	}, [selection, here, found]);
}
