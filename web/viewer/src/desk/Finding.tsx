// One finding: what does not agree, where that is known from, and what was done.

import { useEffect, useState } from "preact/hooks";
import { Problem, TextField, useAction } from "../access/form";
import { Loaded, useLoaded } from "../access/load";
import { words } from "../i18n";
import { me } from "../state/me";
import { deskShapes, session } from "../state/store";
import { dayText, titleOf, valueText } from "../structures/text";
import { severityColors } from "../style/findings";
import { Icon, type IconName } from "../ui/icons";
import { collectionTitle, unitName } from "../ui/text";
import { type Evidence, type Finding, type FindingState, getFinding, settle } from "./api";
import { DeskHead, findingWord, openStructureOf, SeverityChip, turn, useChanges } from "./parts";
import { showPlace } from "./shapes";
import { label } from "./words";

export function FindingOne(props: { id: string }) {
	const { id } = props;
	const changes = useChanges("findings");
	const [state, again] = useLoaded(() => getFinding(id), `${session.value}/${id}`);
	useEffect(() => {
		if (changes > 0) again();
	}, [changes]);
	const title = state.status === "ready" ? words(state.value.title, state.value.rule) : label("find.title");
	return (
		<>
			<DeskHead title={title} onBack={() => turn({ item: "" })} backLabel={label("list.back")} />
			<div class="structure-body">
				<Loaded state={state} again={again}>
					{(f) => <Body key={f.id} finding={f} again={again} />}
				</Loaded>
			</div>
		</>
	);
}

function Body(props: { finding: Finding; again: () => void }) {
	const f = props.finding;
	useEffect(() => {
		const { lon, lat, severity } = f;
		if (lon === undefined || lat === undefined) return;
		const color = severityColors[severity as keyof typeof severityColors] ?? severityColors.info;
		const properties = { kind: "number", n: "!", color, uid: f.uid ?? "", chosen: true };
		deskShapes.value = {
			type: "FeatureCollection",
			features: [{ type: "Feature", properties, geometry: { type: "Point", coordinates: [lon, lat] } }],
		};
		showPlace(lon, lat);
		return () => {
			deskShapes.value = { type: "FeatureCollection", features: [] };
		};
	}, [f.id]);
	const { uid } = f;
	return (
		<>
			<p class="finding-chips">
				<SeverityChip severity={f.severity} />
				<span class={`finding-state finding-${f.state}`}>{findingWord(f.state)}</span>
				{[f.ward, f.owner].filter(Boolean).map((x) => (
					<span key={x}>{x}</span>
				))}
			</p>
			<p class="finding-summary">{words(f.summary)}</p>
			<p class="muted">
				{label("find.found")}: {dayText(f.found_at)}
				{f.closed_at && ` · ${label("find.closed")}: ${dayText(f.closed_at)}`}
				{f.assigned && ` · ${label("find.assigned", { name: f.assigned })}`}
			</p>
			{uid && (
				<button type="button" class="button primary" onClick={() => openStructureOf(uid)}>
					<Icon name="structure" size={20} />
					{label("find.open")}
				</button>
			)}
			<Proof evidence={f.evidence ?? []} />
			<Settle finding={f} again={props.again} />
			<Notes finding={f} />
		</>
	);
}

/** Each value with where it is from, and of what day. */
function Proof(props: { evidence: readonly Evidence[] }) {
	const { evidence } = props;
	return (
		<section>
			<h3>{label("find.evidence")}</h3>
			{evidence.length === 0 ? (
				<p class="empty">{label("find.noEvidence")}</p>
			) : (
				<dl class="fields proof">
					{evidence.map((e, i) => (
						<div key={i}>
							<dt>{labelOf(e)}</dt>
							<dd>
								{evidenceText(e)}
								<small>{sourceOf(e)}</small>
							</dd>
						</div>
					))}
				</dl>
			)}
		</section>
	);
}

function labelOf(e: Evidence): string {
	if (typeof e.label !== "string") return words(e.label);
	return titleOf(e.collection ?? "buildings", e.label);
}

function evidenceText(e: Evidence): string {
	if (typeof e.value === "number") {
		const unit = e.unit ? unitName(e.unit) : "";
		return `${valueText(e.collection ?? "", typeof e.label === "string" ? e.label : "", e.value)}${unit && !unit.startsWith("{") ? ` ${unit}` : ""}`;
	}
	return valueText(e.collection ?? "", typeof e.label === "string" ? e.label : "", e.value) || "–";
}

function sourceOf(e: Evidence): string {
	const source = e.source || (e.collection ? collectionTitle(e.collection) : "");
	return [source, e.date ? dayText(e.date) : ""].filter(Boolean).join(", ");
}

const actions: Readonly<Record<FindingState, readonly FindingState[]>> = {
	open: ["acknowledged", "resolved", "dismissed"],
	acknowledged: ["resolved", "dismissed", "open"],
	resolved: ["open"],
	dismissed: ["open"],
};

const verbs = {
	open: ["find.reopen", "undo"],
	acknowledged: ["find.acknowledge", "eye"],
	resolved: ["find.resolve", "check"],
	dismissed: ["find.dismiss", "close"],
} as const satisfies Readonly<Record<FindingState, readonly [string, IconName]>>;

/** What an officer does with it; a word why goes with it. */
function Settle(props: { finding: Finding; again: () => void }) {
	const f = props.finding;
	const [to, setTo] = useState<FindingState | null>(null);
	const [note, setNote] = useState("");
	const [assigned, setAssigned] = useState(f.assigned ?? "");
	const action = useAction();
	if (!me.value?.may_write?.includes("findings")) return null;
	const act = async () => {
		if (!to || !(await action.run(() => settle(f.id, to, note, to === "acknowledged" ? assigned : "")))) return;
		setTo(null);
		setNote("");
		props.again();
	};
	if (!to) {
		return (
			<div class="record-actions">
				{actions[f.state].map((s) => (
					<button type="button" key={s} class="chip-button" onClick={() => setTo(s)}>
						<Icon name={verbs[s][1]} size={18} />
						{label(verbs[s][0])}
					</button>
				))}
			</div>
		);
	}
	return (
		<form
			class="card-form record-form"
			aria-label={label(verbs[to][0])}
			onSubmit={(e) => {
				e.preventDefault();
				void act();
			}}
		>
			<h3>{label(verbs[to][0])}</h3>
			<TextField label={label("note.label")} note={label("note.hint")} value={note} onInput={setNote} focus />
			{to === "acknowledged" && <TextField label={label("find.assign")} value={assigned} onInput={setAssigned} />}
			<Problem error={action.error} />
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy}>
					{label(verbs[to][0])}
				</button>
				<button type="button" class="button" onClick={() => setTo(null)}>
					{label("find.cancel")}
				</button>
			</div>
		</form>
	);
}

function Notes(props: { finding: Finding }) {
	const notes = props.finding.notes ?? [];
	if (notes.length === 0) return null;
	return (
		<section>
			<h3>{label("find.history")}</h3>
			<ol class="desk-history">
				{[...notes].reverse().map((n, i) => (
					<li key={i}>
						<time dateTime={n.at}>{dayText(n.at)}</time>
						<span>{[n.state ? findingWord(n.state) : "", n.by, n.note ?? ""].filter(Boolean).join(" · ")}</span>
					</li>
				))}
			</ol>
		</section>
	);
}
