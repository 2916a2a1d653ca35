import { useState } from "preact/hooks";
import { Loaded, useLoaded } from "../access/load";
import { t } from "../i18n";
import { me } from "../state/me";
import { session, update } from "../state/store";
import { Icon } from "../ui/icons";
import { collectionNamed, collectionTitle } from "../ui/text";
import { type Department, getRecords, type RecordSet, type Row, type Structure } from "./api";
import { recordCount } from "./compare";
import { Part } from "./parts";
import { numberText, titleOf, valueText } from "./text";
import { tell } from "./words";

/** The departments' records, each department's folded up under its name. */
export function Records(props: { structure: Structure; asof: string }) {
	const { structure: s, asof } = props;
	return (
		<Part name="records" title={tell("records.title")} count={recordCount(s)}>
			{s.records.length === 0 && <Nothing />}
			{s.records.map((d) => (
				<OneDepartment key={d.department} department={d} uid={s.uid} asof={asof} />
			))}
		</Part>
	);
}

function Nothing() {
	if (me.value?.kind !== "anonymous") return <p class="empty">{tell("records.none")}</p>;
	return (
		<div class="empty">
			<p>{tell("records.signIn")}</p>
			<button type="button" class="link-button" onClick={() => update({ page: { name: "signin", item: "" } })}>
				{t("me.signIn")}
			</button>
		</div>
	);
}

function OneDepartment(props: { department: Department; uid: string; asof: string }) {
	const d = props.department;
	const [open, setOpen] = useState(false);
	const count = d.collections.reduce((n, c) => n + c.count, 0);
	return (
		<details class="department" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
			<summary>
				<Icon name="chevron" size={18} />
				<span>
					<b>{d.department}</b>
					<small>{d.collections.map((c) => collectionTitle(c.collection)).join(" · ")}</small>
				</span>
				<span class="count">{numberText(count)}</span>
			</summary>
			{open && d.collections.map((c) => <OneSet key={c.collection} set={c} uid={props.uid} asof={props.asof} />)}
		</details>
	);
}

function OneSet(props: { set: RecordSet; uid: string; asof: string }) {
	const { set } = props;
	const [all, setAll] = useState(false);
	return (
		<div class="record-set">
			<h4>{collectionTitle(set.collection)}</h4>
			{all ? <AllRecords {...props} /> : set.records.map((r) => <OneRecord key={r.id} row={r} collection={set.collection} />)}
			{!all && set.count > set.records.length && (
				<button type="button" class="link-button" onClick={() => setAll(true)}>
					{tell("records.all", { n: numberText(set.count) })}
				</button>
			)}
		</div>
	);
}

function AllRecords(props: { set: RecordSet; uid: string; asof: string }) {
	const { set, uid, asof } = props;
	const key = `${session.value}/${uid}/${set.collection}/${asof}`;
	const [state, again] = useLoaded(() => getRecords(uid, set.collection, asof), key);
	return (
		<Loaded state={state} again={again}>
			{(rows) => rows.map((r) => <OneRecord key={r.id} row={r} collection={set.collection} />)}
		</Loaded>
	);
}

const unsaid = new Set(["uid", "source_id"]);

function OneRecord(props: { row: Row; collection: string }) {
	const { row, collection } = props;
	const known = collectionNamed(collection)?.fields.map((f) => f.name) ?? [];
	const names = [...known, ...Object.keys(row.properties).filter((n) => !known.includes(n))];
	const values = names
		.filter((n) => !unsaid.has(n))
		.map((name) => ({ name, value: valueText(collection, name, row.properties[name] ?? null) }))
		.filter((v) => v.value !== "");
	return (
		<dl class="fields record">
			{values.map((v) => (
				<div key={v.name}>
					<dt>{titleOf(collection, v.name)}</dt>
					<dd>{v.value}</dd>
				</div>
			))}
		</dl>
	);
}
