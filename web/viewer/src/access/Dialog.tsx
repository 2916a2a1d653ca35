import "../css/access.css";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { update } from "../state/store";
import { Notices } from "../ui/Notices";

/** Closes the page that lies over the map. */
export function closePage(): void {
	update({ page: null });
}

/**
 * A page over the map, in the browser's own modal dialog: the rest is out of reach
 * meanwhile, Esc closes, and the focus returns to where it was.
 */
export function Dialog(props: { class: string; label: string; children: ComponentChildren }) {
	const box = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const dialog = box.current;
		dialog?.showModal();
		return () => dialog?.close();
	}, []);
	return (
		<dialog
			ref={box}
			class={`page card ${props.class}`}
			aria-label={props.label}
			onCancel={(e) => {
				e.preventDefault();
				closePage();
			}}
		>
			{props.children}
			<Notices />
		</dialog>
	);
}
