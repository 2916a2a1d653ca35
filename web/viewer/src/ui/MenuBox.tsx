import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** A button that opens a list of things to do; Esc, a choice or a tap elsewhere closes it. */
export function MenuBox(props: {
	class?: string;
	button: (open: boolean, toggle: () => void) => ComponentChildren;
	children: (close: () => void) => ComponentChildren;
}) {
	const [open, setOpen] = useState(false);
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => {
		if (!open) return;
		const outside = (e: Event) => {
			if (!box.current?.contains(e.target as Node)) setOpen(false);
		};
		const onEscape = (e: KeyboardEvent) => {
			if (e.key !== "Escape") return;
			setOpen(false);
			box.current?.querySelector("button")?.focus();
			e.stopPropagation();
		};
		addEventListener("pointerdown", outside);
		addEventListener("keydown", onEscape, true);
		return () => {
			removeEventListener("pointerdown", outside);
			removeEventListener("keydown", onEscape, true);
		};
	}, [open]);
	return (
		<div class={`menu ${props.class ?? ""}`} ref={box}>
			{props.button(open, () => setOpen(!open))}
			{open && <div class="menu-list card">{props.children(() => setOpen(false))}</div>}
		</div>
	);
}
