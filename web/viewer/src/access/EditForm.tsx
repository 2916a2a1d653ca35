import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type DetailedFeature, type Field, featurePath, getFeature, send } from "../api/client";
import { words } from "../i18n";
import { refetch } from "../state/selection";
import { announce } from "../state/toasts";
import type { Selection } from "../state/url";
import { collectionNamed, fieldTitle } from "../ui/text";
import { changesOf, type Draft, draftOf, editable, textOfValue } from "./edit";
import { Problem, SelectField, useAction } from "./form";
import { say } from "./words";

/** Changes a feature's fields, each by its type; what somebody else changed meanwhile is shown before it is lost. */
export function EditForm(props: { feature: DetailedFeature; selection: Selection; onClose: () => void }) {
	const { selection } = props;
	const fields = editable(collectionNamed(selection.collection)?.fields ?? []);
	const [base, setBase] = useState(props.feature);
	const before = draftOf(fields, base.properties ?? {});
	const [draft, setDraft] = useState<Draft>(before);
	const [theirs, setTheirs] = useState<DetailedFeature | null>(null);
	const action = useAction();
	const form = useRef<HTMLFormElement>(null);
	useEffect(() => form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus(), []);
	const done = () => {
		announce({ kind: "saved" });
		refetch.value++;
		props.onClose();
	};
	const save = (etag: string) =>
		action.run(async () => {
			try {
				const properties = changesOf(fields, before, draft);
				const path = featurePath(selection.collection, selection.id);
				await send("PATCH", path, { properties }, { "If-Match": etag, "Content-Type": "application/merge-patch+json" });
			} catch (e) {
				if ((e as { kind?: string }).kind === "changed") setTheirs(await getFeature(selection.collection, selection.id));
				throw e;
			}
		});
	const submit = async (etag: string) => {
		if (await save(etag)) done();
	};
	if (fields.length === 0) return <p>{say("edit.none")}</p>;
	const refused = action.error?.problem.errors ?? [];
	return (
		<form
			ref={form}
			class="card-form"
			aria-label={say("edit.title")}
			onSubmit={(e) => {
				e.preventDefault();
				void submit(base.etag);
			}}
		>
			{fields.map((f) => (
				<FieldInput
					key={f.name}
					field={f}
					value={draft[f.name] ?? ""}
					onInput={(v) => setDraft({ ...draft, [f.name]: v })}
					invalid={refused.some((r) => r.path.endsWith(f.name))}
				/>
			))}
			{theirs ? (
				<Conflict
					fields={fields}
					before={before}
					theirs={theirs}
					busy={action.busy}
					onMine={() => void submit(theirs.etag)}
					onTheirs={() => {
						setBase(theirs);
						setDraft(draftOf(fields, theirs.properties ?? {}));
						setTheirs(null);
						action.clear();
					}}
				/>
			) : (
				<>
					<Problem error={refused.length > 0 ? null : action.error}>
						{refused.length > 0 &&
							refused.map((r) => say("edit.refused", { field: titleAt(fields, r.path), reason: r.reason })).join(" ")}
					</Problem>
					<div class="button-row">
						<button type="submit" class="button primary" disabled={action.busy}>
							{say("save")}
						</button>
						<button type="button" class="button" onClick={props.onClose}>
							{say("cancel")}
						</button>
					</div>
				</>
			)}
		</form>
	);
}

export function titleAt(fields: readonly Field[], path: string): string {
	const field = fields.find((f) => path.endsWith(f.name));
	return field ? fieldTitle(field) : path;
}

export function Conflict(props: {
	fields: readonly Field[];
	before: Draft;
	theirs: DetailedFeature;
	busy: boolean;
	onMine: () => void;
	onTheirs: () => void;
}) {
	const p = props.theirs.properties ?? {};
	const changed = props.fields.filter((f) => textOfValue(p[f.name]) !== props.before[f.name]);
	return (
		<div class="problem" role="alert">
			<div>
				<p>{say("edit.conflict")}</p>
				<ul class="plain">
					{changed.map((f) => (
						<li key={f.name}>
							{say("edit.theirs", { field: fieldTitle(f), value: textOfValue(p[f.name]) || say("edit.empty") })}
						</li>
					))}
				</ul>
				<div class="button-row">
					<button type="button" class="button" disabled={props.busy} onClick={props.onMine}>
						{say("edit.anyway")}
					</button>
					<button type="button" class="button" disabled={props.busy} onClick={props.onTheirs}>
						{say("edit.takeTheirs")}
					</button>
				</div>
			</div>
		</div>
	);
}

const longText = 60;

function inputType(field: Field): string {
	return field.type === "integer" || field.type === "real" ? "number" : field.type === "date" ? "date" : "text";
}

export function FieldInput(props: { field: Field; value: string; onInput: (v: string) => void; invalid: boolean }) {
	const { field, value, onInput } = props;
	const id = useId();
	const title = `${fieldTitle(field)}${field.required ? " *" : ""}${field.unit && !/^[{1]/.test(field.unit) ? ` (${field.unit})` : ""}`;
	if (field.values && field.values.length > 0) {
		const known = field.values.map((v) => [v.value, words(v.title) || v.value] as const);
		// A value from before the list was made can stay.
		const odd = value !== "" && !known.some(([v]) => v === value) ? [[value, value] as const] : [];
		return <SelectField label={title} value={value} options={[["", say("edit.choose")], ...known, ...odd]} onChange={onInput} />;
	}
	if (field.type === "boolean") {
		return (
			<SelectField
				label={title}
				value={value}
				options={[
					["", say("edit.choose")],
					["true", say("yes")],
					["false", say("no")],
				]}
				onChange={onInput}
			/>
		);
	}
	const shared = { id, value, required: field.required, "aria-invalid": props.invalid || undefined };
	return (
		<div class="form-field">
			<label for={id}>{title}</label>
			{field.type === "text" && value.length > longText ? (
				<textarea {...shared} rows={3} onInput={(e) => onInput(e.currentTarget.value)} />
			) : (
				<input
					{...shared}
					type={inputType(field) as "number"}
					step={field.type === "integer" ? 1 : field.type === "real" ? "any" : undefined}
					onInput={(e) => onInput(e.currentTarget.value)}
				/>
			)}
		</div>
	);
}
