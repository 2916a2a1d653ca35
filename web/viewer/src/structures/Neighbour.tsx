import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { TextField } from "../access/form";
import { tell } from "./words";

/** Set while a tap on the map names a neighbour; the tap's structure, "" until there is one. */
export const picked = signal<string | null>(null);

/** The other structure of a merge: tapped on the map, or by its number. */
export function Neighbour(props: { value: string; onInput: (uid: string) => void }) {
	useEffect(() => {
		picked.value = "";
		return () => {
			picked.value = null;
		};
	}, []);
	const tapped = picked.value;
	useEffect(() => {
		if (tapped) props.onInput(tapped);
	}, [tapped]);
	return <TextField label={tell("act.neighbour")} note={tell("act.pick")} value={props.value} onInput={props.onInput} />;
}
