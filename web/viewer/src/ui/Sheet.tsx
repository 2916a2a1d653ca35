import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Key, t } from "../i18n";
import { update, view } from "../state/store";

type Height = "peek" | "half" | "full";

const order: readonly Height[] = ["peek", "half", "full"];
const names: Readonly<Record<Height, Key>> = { peek: "sheet.peek", half: "sheet.half", full: "sheet.full" };

/** Share of the screen that each height takes; peek is fixed. */
const peekPixels = 92;
const share: Readonly<Record<Height, number>> = { peek: 0, half: 0.46, full: 0.9 };

function pixels(h: Height): number {
	return h === "peek" ? peekPixels : Math.round(innerHeight * share[h]);
}

/** The phone's bottom sheet: three heights, by finger, by button, by key. */
export function Sheet(props: { content: string; head: ComponentChildren; children: ComponentChildren }) {
	const [height, setHeight] = useState<Height>(props.content === "" ? "peek" : "half");
	const [drag, setDrag] = useState<number | null>(null);
	const start = useRef<{ y: number; from: number; moved: boolean } | null>(null);

	// New content rises to half; when it goes, the map has the room again.
	useEffect(() => {
		setHeight((h) => (props.content === "" ? "peek" : h === "peek" ? "half" : h));
	}, [props.content]);

	const settle = (value: number) => {
		const nearest = order.reduce((a, b) => (Math.abs(pixels(b) - value) < Math.abs(pixels(a) - value) ? b : a));
		setHeight(nearest);
		const { selection, here, structure, desk } = view.peek();
		if (nearest === "peek" && (selection || here || structure || desk))
			update({ selection: null, here: null, structure: null, desk: null });
	};

	return (
		<div
			class={`sheet card sheet-${height}`}
			style={{ height: `${drag ?? pixels(height)}px`, transition: drag === null ? undefined : "none" }}
		>
			<button
				type="button"
				class="sheet-handle"
				aria-label={t("sheet.label", { state: t(names[height]) })}
				aria-expanded={height !== "peek"}
				onClick={() => {
					if (start.current?.moved) return;
					setHeight(order[(order.indexOf(height) + 1) % order.length] ?? "half");
				}}
				onKeyDown={(e) => {
					const step = e.key === "ArrowUp" ? 1 : e.key === "ArrowDown" ? -1 : 0;
					const next = order[order.indexOf(height) + step];
					if (step === 0 || !next) return;
					e.preventDefault();
					setHeight(next);
				}}
				onPointerDown={(e) => {
					start.current = { y: e.clientY, from: pixels(height), moved: false };
					e.currentTarget.setPointerCapture(e.pointerId);
				}}
				onPointerMove={(e) => {
					const s = start.current;
					if (!s || e.buttons === 0) return;
					if (Math.abs(e.clientY - s.y) > 6) s.moved = true;
					if (s.moved) setDrag(Math.min(Math.max(s.from + s.y - e.clientY, peekPixels), innerHeight * share.full));
				}}
				onPointerUp={() => {
					if (drag !== null) settle(drag);
					setDrag(null);
				}}
				onPointerCancel={() => setDrag(null)}
			>
				<span />
			</button>
			{props.head}
			<div class="sheet-body" hidden={height === "peek" && drag === null}>
				{(props.content !== "" || height !== "peek" || drag !== null) && props.children}
			</div>
		</div>
	);
}
