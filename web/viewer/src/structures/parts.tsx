import type { Geometry } from "geojson";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { encode } from "uqr";
import { language } from "../i18n";
import { update, view } from "../state/store";
import type { StructureView } from "../state/url";
import { areaText, distanceText } from "../ui/text";
import { groundArea, outlines } from "./outline";
import { statusText } from "./text";
import { tell } from "./words";

/** Changes what the page shows; each choice is a step that "back" undoes. */
export function show(patch: Partial<StructureView>): void {
	const now = view.peek().structure ?? { uid: "", asof: "", than: null };
	update({ structure: { ...now, ...patch }, selection: null, here: null });
}

/** Where a structure is in its life: a colour, and always the word. */
export function StatusChip(props: { status: string }) {
	return props.status === "" ? null : <span class={`life life-${props.status}`}>{statusText(props.status)}</span>;
}

/** A part of the page that can be folded. */
export function Part(props: { title: string; count?: number; open?: boolean; name: string; children: ComponentChildren }) {
	return (
		<details class={`part part-${props.name}`} open={props.open !== false}>
			<summary>
				<h3>{props.title}</h3>
				{props.count !== undefined && props.count > 0 && <span class="count">{props.count}</span>}
			</summary>
			<div class="part-body">{props.children}</div>
		</details>
	);
}

/** Another structure, as a way to its page. */
export function UidLink(props: { uid: string }) {
	return (
		<button type="button" class="uid-link" onClick={() => show({ uid: props.uid, than: null })}>
			{props.uid}
		</button>
	);
}

const size = 240;
const margin = 14;

/** Outlines laid over each other in one frame, north up, with a scale bar. */
export function Drawing(props: { geometries: readonly (Geometry | null)[] }) {
	const drawn = useMemo(() => outlines(props.geometries, size, margin), [JSON.stringify(props.geometries)]);
	const first = drawn?.[0];
	if (!drawn || !first) return null;
	const area = props.geometries.map(groundArea).findLast((a) => a > 0) ?? 0;
	const bar = first.bar * first.perMetre;
	return (
		<svg
			class="drawing"
			viewBox={`0 0 ${size} ${size + 34}`}
			role="img"
			aria-label={tell("drawing.label", { area: areaText(area) })}
			key={language.value}
		>
			{drawn.map((d, i) => (
				<path key={i} class={`outline outline-${drawn.length - i}`} d={d.path} fill-rule="evenodd" />
			))}
			<g class="north" transform={`translate(${size - 14} 22)`}>
				<path d="M0-18 5-2H-5Z" />
				<text y="12" text-anchor="middle">
					{tell("drawing.north")}
				</text>
			</g>
			<g class="bar" transform={`translate(${margin} ${size + 12})`}>
				<path d={`M0-5V0H${bar.toFixed(1)}V-5`} />
				<text x={bar / 2} y="16" text-anchor="middle">
					{distanceText(first.bar)}
				</text>
			</g>
		</svg>
	);
}

/** A link as a picture that a phone reads: dark on light in either theme. */
export function QrCode(props: { text: string; label: string }) {
	const { count, path } = useMemo(() => {
		const code = encode(props.text, { ecc: "M", border: 2 });
		const dark = code.data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
		return { count: code.size, path: dark.join("") };
	}, [props.text]);
	return (
		<svg class="qr" viewBox={`0 0 ${count} ${count}`} role="img" aria-label={props.label} shape-rendering="crispEdges">
			<rect width={count} height={count} fill="#fff" />
			<path d={path} fill="#000" />
		</svg>
	);
}
