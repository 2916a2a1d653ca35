import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, SelectField, TextField, useAction } from "../access/form";
import { me } from "../state/me";
import { announce } from "../state/toasts";
import { Icon, type IconName } from "../ui/icons";
import type { Past, Structure, StructureEvent } from "./api";
import { type Command, command, ended, newKey, type Part, stationsAfter, undoable } from "./commands";
import { cuttable } from "./cut";
import { refusalText } from "./refusal";
import { SplitLine } from "./SplitLine";
import { eventText } from "./Timeline";
import { dayText, statusText, today } from "./text";
import { parseUid } from "./uid";
import { tell } from "./words";

/** Set while a tap on the map names a neighbour; the tap's structure, "" until there is one. */
export const picked = signal<string | null>(null);

type Kind = "status" | "split" | "demolish" | "revive" | "merge" | "undo";

const icons: Readonly<Record<Kind, IconName>> = {
	status: "edit",
	split: "split",
	demolish: "trash",
	revive: "undo",
	merge: "plus",
	undo: "undo",
};

/** Who may write the register. */
function mayRecord(): boolean {
	const writes = me.value?.may_write ?? [];
	return writes.includes("structures") && writes.includes("structure_events");
}

/** What may be recorded of the structure now, for those who may. */
export function Actions(props: { structure: Structure; past: Past | null; etag: string; onDone: () => void }) {
	const { structure: s, past } = props;
	const [kind, setKind] = useState<Kind | null>(null);
	const status = s.status.value;
	const last = past && undoable(past);
	if (!mayRecord()) return null;
	const kinds: readonly Kind[] = [
		...(stationsAfter(status).length > 0 ? (["status"] as const) : []),
		...(ended(status)
			? (["revive"] as const)
			: ([...(cuttable(s.geometry) ? (["split"] as const) : []), "merge", "demolish"] as const)),
		...(last ? (["undo"] as const) : []),
	];
	if (kind && kinds.includes(kind)) {
		return <Form structure={s} etag={props.etag} onDone={props.onDone} kind={kind} last={last} onClose={() => setKind(null)} />;
	}
	return (
		<div class="record-actions" role="group" aria-label={tell("act.title")}>
			<span class="muted">{tell("act.title")}</span>
			{kinds.map((k) => (
				<button type="button" key={k} class="chip-button" onClick={() => setKind(k)}>
					<Icon name={icons[k]} size={18} />
					{tell(`act.${k}`)}
				</button>
			))}
		</div>
	);
}

interface Draft {
	readonly status: string;
	/** What was written or tapped as the neighbour. */
	readonly other: string;
	readonly parts: readonly Part[];
	readonly date: string;
	readonly evidence: string;
}

/** The neighbour that a draft names, "" where it is none. */
function neighbourOf(d: Draft, uid: string): string {
	const parsed = parseUid(d.other);
	return "uid" in parsed && parsed.uid !== uid ? parsed.uid : "";
}

/** The command that a draft stands for; null while something is missing. */
function commandOf(kind: Kind, d: Draft, uid: string, last: StructureEvent | null): Command | null {
	switch (kind) {
		case "status":
			return { kind, status: d.status };
		case "split":
			return d.parts.length > 0 ? { kind, parts: d.parts } : null;
		case "merge": {
			const other = neighbourOf(d, uid);
			return other ? { kind, with: [other] } : null;
		}
		case "undo":
			return last && { kind, event: last.id };
		default:
			return { kind };
	}
}

/** What will be so afterwards, in plain words. */
function sureText(s: Structure, c: Command | null, last: StructureEvent | null): string {
	const { uid } = s;
	switch (c?.kind) {
		case "status":
			return tell("sure.status", { from: statusText(s.status.value), to: statusText(c.status) });
		case "split":
			return tell("sure.split", { uid });
		case "merge":
			return tell("sure.merge", { uid, other: c.with.join(", ") });
		case "demolish":
			return tell("sure.demolish", { uid });
		case "revive":
			return tell("sure.revive", { uid });
		case "undo":
			return last ? tell("sure.undo", { what: eventText(last), day: last.date ? dayText(last.date) : "–" }) : "";
		default:
			return "";
	}
}

interface FormProps {
	readonly structure: Structure;
	readonly etag: string;
	readonly kind: Kind;
	readonly last: StructureEvent | null;
	readonly onDone: () => void;
	readonly onClose: () => void;
}

function Form(props: FormProps) {
	const { structure: s, kind, last } = props;
	const first = stationsAfter(s.status.value)[0] ?? "";
	const [draft, setDraft] = useState<Draft>({ status: first, other: "", parts: [], date: "", evidence: "" });
	const set = (patch: Partial<Draft>) => setDraft((d) => ({ ...d, ...patch }));
	// One key for one form: pressing twice does it once.
	const [key] = useState(newKey);
	const action = useAction();
	const form = useRef<HTMLFormElement>(null);
	useEffect(() => form.current?.querySelector<HTMLElement>("select, input, button")?.focus(), []);
	const c = commandOf(kind, draft, s.uid, last);
	const act = async () => {
		if (!c) return;
		const date = kind === "undo" ? "" : draft.date;
		if (!(await action.run(() => command(s.uid, c, { date, evidence: draft.evidence, etag: props.etag, key })))) return;
		announce({ kind: "saved" });
		props.onClose();
		props.onDone();
	};
	return (
		<form
			ref={form}
			class="card-form record-form"
			aria-label={tell(`act.${kind}`)}
			onSubmit={(e) => {
				e.preventDefault();
				void act();
			}}
		>
			<h3>{tell(`act.${kind}`)}</h3>
			<FormFields structure={s} kind={kind} draft={draft} set={set} />
			<p class="sure-text">{sureText(s, c, last)}</p>
			<Problem error={action.error}>{action.error && refusalText(action.error)}</Problem>
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy || !c}>
					{tell("act.record")}
				</button>
				<button type="button" class="button" onClick={props.onClose}>
					{tell("act.cancel")}
				</button>
			</div>
		</form>
	);
}

function FormFields(props: { structure: Structure; kind: Kind; draft: Draft; set: (patch: Partial<Draft>) => void }) {
	const { structure: s, kind, draft, set } = props;
	return (
		<>
			{kind === "status" && (
				<SelectField
					label={tell("act.newStatus")}
					value={draft.status}
					options={stationsAfter(s.status.value).map((x) => [x, statusText(x)] as const)}
					onChange={(status) => set({ status })}
				/>
			)}
			{kind === "split" && <SplitLine structure={s} onParts={(parts) => set({ parts })} />}
			{kind === "merge" && <Neighbour value={draft.other} onInput={(other) => set({ other })} />}
			{kind !== "undo" && (
				<>
					<TextField
						label={tell("act.date")}
						note={tell("act.dateNote")}
						type="date"
						value={draft.date}
						onInput={(date) => set({ date })}
						max={today()}
					/>
					<TextField label={tell("act.evidence")} value={draft.evidence} onInput={(evidence) => set({ evidence })} />
				</>
			)}
		</>
	);
}

/** The other structure of a merge: tapped on the map, or by its number. */
function Neighbour(props: { value: string; onInput: (uid: string) => void }) {
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
