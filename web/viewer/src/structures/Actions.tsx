import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, useAction } from "../access/form";
import { me } from "../state/me";
import { announce } from "../state/toasts";
import { Icon, type IconName } from "../ui/icons";
import type { Past, Structure, StructureEvent } from "./api";
import { type Command, command, ended, newKey, stationsAfter, undoable } from "./commands";
import { cuttable } from "./cut";
import { commandOf, type Draft, emptyDraft, type Kind, valuesOf } from "./draft";
import { Fields } from "./Fields";
import { unitCount } from "./plan";
import { refusalText } from "./refusal";
import { eventText } from "./Timeline";
import { dayText, numberText, schemeText, statusText } from "./text";
import { tell } from "./words";

const icons: Readonly<Record<Kind, IconName>> = {
	status: "clock",
	correct: "edit",
	units: "list",
	alias: "plus",
	end_alias: "minus",
	replace: "structure",
	split: "split",
	demolish: "trash",
	revive: "undo",
	merge: "link",
	undo: "undo",
};

/** Who may write the register. */
export function mayRecord(): boolean {
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
			: ([
					"correct",
					"units",
					"alias",
					...(s.aliases.some((a) => !a.valid_to) ? (["end_alias"] as const) : []),
					...(cuttable(s.geometry) ? (["split"] as const) : []),
					"merge",
					"replace",
					"demolish",
				] as const)),
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

/** What will be so afterwards, in plain words. */
function sureText(s: Structure, c: Command | null, draft: Draft, last: StructureEvent | null): string {
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
		case "units":
			return tell("sure.units", { n: numberText(unitCount(draft.plan)) });
		case "end_alias":
			return tell("sure.end_alias", { scheme: schemeText(c.alias.scheme), value: c.alias.value, uid });
		case "replace":
			return tell("sure.replace", { uid });
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
	const first = kind === "replace" ? "under_construction" : (stationsAfter(s.status.value)[0] ?? "");
	const [draft, setDraft] = useState<Draft>(() => ({ ...emptyDraft, status: first, values: valuesOf(s) }));
	const set = (patch: Partial<Draft>) => setDraft((d) => ({ ...d, ...patch }));
	// One key for one form: pressing twice does it once.
	const [key] = useState(newKey);
	const action = useAction();
	const form = useRef<HTMLFormElement>(null);
	useEffect(() => form.current?.querySelector<HTMLElement>("select, input, button")?.focus(), []);
	const c = commandOf(kind, draft, s, last);
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
			<Fields structure={s} kind={kind} draft={draft} set={set} />
			<p class="sure-text">{sureText(s, c, draft, last)}</p>
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
