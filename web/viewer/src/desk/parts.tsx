// What both desks are made of: their place in the address, filters, people and days.

import { useEffect } from "preact/hooks";
import { humanise, lookup, t } from "../i18n";
import { city, deskChanges, deskShapes, structureShape, update, view } from "../state/store";
import type { DeskView } from "../state/url";
import { Icon } from "../ui/icons";
import { IconButton } from "../ui/parts";

/** Changes what the desk shows; `push` makes a step that "back" undoes. */
export function turn(patch: Partial<DeskView>, push = true): void {
	const now = view.peek().desk;
	if (now) update({ desk: { ...now, ...patch }, selection: null, here: null, structure: null }, push);
}

/** Narrows the list, and closes what is open of it. */
export function narrow(patch: Readonly<Record<string, string>>): void {
	const now = view.peek().desk;
	if (now) turn({ item: "", where: { ...now.where, ...patch } });
}

/** Opens the page of a structure over the desk, which is there again when it closes. */
export function openStructureOf(uid: string): void {
	update({ structure: { uid, asof: "", than: null }, selection: null, here: null });
}

export function DeskHead(props: { title: string; count?: string; onBack?: (() => void) | undefined; backLabel?: string }) {
	return (
		<header class="desk-head">
			{props.onBack && <IconButton icon="back" label={props.backLabel ?? ""} onClick={props.onBack} />}
			<h2 id="structure-title" tabIndex={-1}>
				{props.title}
			</h2>
			{props.count && <span class="count">{props.count}</span>}
			<IconButton icon="close" label={t("card.close")} onClick={() => update({ desk: null })} />
		</header>
	);
}

/** One choice of a filter; "" is all of them. */
export function Pick(props: {
	label: string;
	value: string;
	options: readonly (readonly [value: string, title: string])[];
	/** What "" says. */
	any: string;
	onChange: (value: string) => void;
}) {
	const { value, options } = props;
	// What a link asks for is shown though nothing of it is there now.
	const all = value === "" || options.some(([v]) => v === value) ? options : [...options, [value, value] as const];
	return (
		<label class={`pick${value === "" ? "" : " chosen"}`}>
			<span>{props.label}</span>
			<select value={value} onChange={(e) => props.onChange(e.currentTarget.value)}>
				<option value="">{props.any}</option>
				{all.map(([v, title]) => (
					<option key={v} value={v}>
						{title}
					</option>
				))}
			</select>
		</label>
	);
}

export function wardOptions(): readonly (readonly [string, string])[] {
	return (city.value?.wards ?? []).map((w) => [w, w] as const);
}

/** A word of findings: their states and severities. */
export function findingWord(value: string): string {
	return lookup(`v.findings.${value}`) ?? humanise(value);
}

export function SeverityChip(props: { severity: string }) {
	return (
		<span class={`severity severity-${props.severity}`}>
			<Icon name={props.severity === "high" || props.severity === "medium" ? "alert" : "help"} size={15} />
			{findingWord(props.severity)}
		</span>
	);
}

/** Changes when the server's rows of a collection do. */
export function useChanges(collection: string): number {
	return deskChanges.value[collection] ?? 0;
}

/** Takes what the desk drew off the map when it closes. */
export function useTidyMap(): void {
	useEffect(
		() => () => {
			deskShapes.value = { type: "FeatureCollection", features: [] };
			structureShape.value = null;
		},
		[],
	);
}
