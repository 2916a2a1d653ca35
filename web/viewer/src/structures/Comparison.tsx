import { useState } from "preact/hooks";
import { Loaded, useLoaded } from "../access/load";
import { kindOf } from "../api/client";
import { session } from "../state/store";
import { Icon } from "../ui/icons";
import { areaText, collectionTitle } from "../ui/text";
import { getStructure, type Structure } from "./api";
import { type Compared, compare, type Row } from "./compare";
import { Drawing } from "./parts";
import { dayText, numberText, schemeText, statusText, titleOf, valueText } from "./text";
import { tell, tellIfKnown } from "./words";

/** null: it was not known on that day. */
async function thatDay(uid: string, day: string): Promise<Structure | null> {
	try {
		return (await getStructure(uid, day)).value;
	} catch (e) {
		if (kindOf(e) === "notFound") return null;
		throw e;
	}
}

/** Two days side by side, the earlier one on the left. */
export function Comparison(props: { uid: string; asof: string; than: string }) {
	const { uid } = props;
	// "" is today, which comes after every day that can be chosen.
	const days = [props.asof, props.than].sort((a, b) => (a || "9999").localeCompare(b || "9999"));
	const [before = "", after = ""] = days;
	const [state, again] = useLoaded(
		() => Promise.all([thatDay(uid, before), thatDay(uid, after)]),
		`${session.value}/${uid}/${before}/${after}`,
	);
	return (
		<Loaded state={state} again={again}>
			{([a, b]) => <Table before={a} after={b} days={[dayName(before), dayName(after)]} />}
		</Loaded>
	);
}

function dayName(day: string): string {
	return day === "" ? tell("asof.today") : dayText(day);
}

function Table(props: { before: Structure | null; after: Structure | null; days: readonly [string, string] }) {
	const { before, after, days } = props;
	const [only, setOnly] = useState(false);
	const rows = compare(before, after);
	const changed = rows.filter((r) => r.changed).length;
	const absent = (s: Structure | null) => !s && <small>{tell("compare.absent")}</small>;
	return (
		<div class="comparison">
			<div class="comparison-top" role="status">
				<p>
					<b>{changed === 0 ? tell("compare.none") : tell("compare.changed", { n: numberText(changed) })}</b>
				</p>
				{changed > 0 && (
					<label>
						<input type="checkbox" class="switch" checked={only} onChange={() => setOnly(!only)} />
						{tell("compare.only")}
					</label>
				)}
			</div>
			<table>
				<thead>
					<tr>
						<th scope="col">{tell("compare.what")}</th>
						<th scope="col">
							{days[0]}
							{absent(before)}
						</th>
						<th scope="col">
							{days[1]}
							{absent(after)}
						</th>
					</tr>
				</thead>
				<tbody>
					{rows
						.filter((r) => r.changed || !only)
						.map((r) => (
							<Line key={`${r.row.kind}/${"name" in r.row ? r.row.name : ""}`} compared={r} />
						))}
				</tbody>
			</table>
			<Both before={before} after={after} days={days} />
		</div>
	);
}

function Line(props: { compared: Compared }) {
	const { row, changed } = props.compared;
	return (
		<tr class={changed ? "changed" : ""}>
			<th scope="row">
				{rowTitle(row)}
				{changed && (
					<span class="changed-mark">
						<Icon name="edit" size={14} />
						{tell("compare.mark")}
					</span>
				)}
			</th>
			<td>{cellText(row, row.values[0])}</td>
			<td>{cellText(row, row.values[1])}</td>
		</tr>
	);
}

function rowTitle(row: Row): string {
	switch (row.kind) {
		case "status":
			return titleOf("structures", "status");
		case "fact":
			return titleOf("buildings", row.name);
		case "area":
			return tell("facts.area");
		case "units":
			return tell("compare.units");
		case "records":
			return tell("compare.records");
		case "alias":
			return schemeText(row.name);
		case "certificate":
			return collectionTitle(row.name);
	}
}

function cellText(row: Row, value: unknown): string {
	if (value === null) return "–";
	switch (row.kind) {
		case "status":
			return statusText(String(value));
		case "fact":
			return valueText("buildings", row.name, value, row.unit);
		case "area":
			return areaText(Number(value));
		case "units":
		case "records":
			return numberText(Number(value));
		case "certificate":
			return String(value)
				.split(",")
				.map((s) => tellIfKnown(`cert.${s}`) ?? s)
				.join(", ");
		case "alias":
			return String(value);
	}
}

/** Both outlines in one drawing, where they differ. */
function Both(props: { before: Structure | null; after: Structure | null; days: readonly [string, string] }) {
	const shapes = [props.before?.geometry ?? null, props.after?.geometry ?? null];
	if (!shapes[0] || !shapes[1] || JSON.stringify(shapes[0]) === JSON.stringify(shapes[1])) return null;
	return (
		<figure class="both">
			<Drawing geometries={shapes} />
			<figcaption>
				{tell("compare.outlines")}
				<span class="key key-2">{props.days[0]}</span>
				<span class="key key-1">{props.days[1]}</span>
			</figcaption>
		</figure>
	);
}
