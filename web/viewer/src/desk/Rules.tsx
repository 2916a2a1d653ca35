// The rules by which findings are found: data that a department may change.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Problem, SelectField, TextField, useAction } from "../access/form";
import { Loaded, useLoaded } from "../access/load";
import { departments } from "../access/names";
import { ApiError } from "../api/client";
import { language, languages, words } from "../i18n";
import { me } from "../state/me";
import { collections, session } from "../state/store";
import { announce } from "../state/toasts";
import { numberText } from "../structures/text";
import { severities } from "../style/findings";
import type { Language } from "../style/types";
import { Icon } from "../ui/icons";
import { collectionTitle } from "../ui/text";
import { getRules, previewRule, putRule, type Rule, type RulePreview } from "./api";
import { DeskHead, findingWord, SeverityChip, turn } from "./parts";
import { label } from "./words";

const newName = "new";

function mayEdit(): boolean {
	return me.value?.may_write?.includes("finding_rules") === true;
}

export function Rules(props: { item: string; views: ComponentChildren }) {
	const { item } = props;
	if (item !== "" && mayEdit()) return <RulePage name={item} />;
	return <RuleList views={props.views} />;
}

function RuleList(props: { views: ComponentChildren }) {
	const [state, again] = useLoaded(getRules, String(session.value));
	return (
		<>
			<DeskHead title={label("find.title")} />
			<div class="structure-body">
				{props.views}
				{mayEdit() && (
					<button type="button" class="button" onClick={() => turn({ item: newName })}>
						<Icon name="plus" size={20} />
						{label("rule.new")}
					</button>
				)}
				<Loaded state={state} again={again}>
					{(rules) => (
						<>
							{rules.length === 0 && <p class="empty">{label("rule.none")}</p>}
							<ul class="desk-list">
								{rules.map((r) => (
									<li key={r.name} class={r.disabled ? "off" : ""}>
										<OneRule rule={r} />
									</li>
								))}
							</ul>
						</>
					)}
				</Loaded>
			</div>
		</>
	);
}

function OneRule(props: { rule: Rule }) {
	const r = props.rule;
	const inside = (
		<>
			<span class="desk-line-text">
				<b>{words(r.title, r.name)}</b>
				<small>
					{r.owner}
					{r.disabled && ` · ${label("rule.off")}`}
				</small>
				<code>{r.when}</code>
				{r.waiting && <small class="waiting">{label("rule.waiting", { reason: r.waiting })}</small>}
			</span>
			<span class="desk-line-side">
				<SeverityChip severity={r.severity} />
			</span>
		</>
	);
	if (!mayEdit()) return <div class="desk-line">{inside}</div>;
	return (
		<button type="button" class="desk-line" onClick={() => turn({ item: r.name })}>
			{inside}
		</button>
	);
}

function ruleNamed(rules: readonly Rule[], name: string): Rule {
	const found = rules.find((r) => r.name === name);
	if (!found) throw new ApiError("notFound", "");
	return found;
}

const blank: Rule = { name: "", title: {}, severity: "medium", owner: "", when: "", summary: {} };

function RulePage(props: { name: string }) {
	const { name } = props;
	const [state, again] = useLoaded(
		async () => (name === newName ? { ...blank, owner: me.peek()?.department ?? "" } : ruleNamed(await getRules(), name)),
		`${session.value}/${name}`,
	);
	return (
		<>
			<DeskHead
				title={name === newName ? label("rule.new") : label("rule.edit")}
				onBack={() => turn({ item: "" })}
				backLabel={label("list.back")}
			/>
			<div class="structure-body">
				<Loaded state={state} again={again}>
					{(r) => <RuleForm rule={r} etag={r.etag ?? ""} />}
				</Loaded>
			</div>
		</>
	);
}

/** What the form has no field of its own for, as JSON. */
const plain = new Set(["name", "title", "severity", "owner", "about", "when", "summary", "disabled", "rev", "etag", "waiting"]);

function restOf(rule: Rule): string {
	const rest = Object.fromEntries(Object.entries(rule).filter(([k]) => !plain.has(k)));
	return Object.keys(rest).length > 0 ? JSON.stringify(rest, null, 2) : "";
}

const ownNames: Readonly<Record<Language, string>> = { mr: "मराठी", hi: "हिन्दी", en: "English" };

function RuleForm(props: { rule: Rule; etag: string }) {
	const [rule, setRule] = useState(props.rule);
	const [rest, setRest] = useState(() => restOf(props.rule));
	const [tried, setTried] = useState<RulePreview | null>(null);
	const action = useAction();
	const set = (patch: Partial<Rule>) => {
		setRule({ ...rule, ...patch } as Rule);
		setTried(null);
	};
	const whole = (): Rule => {
		const kept = Object.fromEntries(Object.entries(rule).filter(([k, v]) => plain.has(k) && v !== "")) as unknown as Rule;
		if (rest.trim() === "") return kept;
		try {
			return { ...kept, ...(JSON.parse(rest) as object) };
		} catch (e) {
			throw new ApiError("badRequest", label("rule.badJson", { reason: e instanceof Error ? e.message : "" }));
		}
	};
	const preview = () => action.run(async () => setTried(await previewRule(whole())));
	const save = async () => {
		if (!(await action.run(() => putRule(whole(), props.etag)))) return;
		announce({ kind: "saved" });
		turn({ item: "" });
	};
	return (
		<form
			class="card-form rule-form"
			onSubmit={(e) => {
				e.preventDefault();
				void save();
			}}
		>
			{props.etag === "" && <TextField label={label("rule.name")} value={rule.name} onInput={(name) => set({ name })} required />}
			<RuleWords rule={rule} set={set} />
			<SelectField
				label={label("find.severity")}
				value={rule.severity}
				options={severities.map((s) => [s, findingWord(s)] as const)}
				onChange={(severity) => set({ severity })}
			/>
			<TextField
				label={label("rule.owner")}
				value={rule.owner}
				onInput={(owner) => set({ owner })}
				list={departments()}
				required
			/>
			<SelectField
				label={label("rule.about")}
				value={rule.about ?? ""}
				options={[["", label("rule.structures")] as const, ...recordTypes()]}
				onChange={(about) => set({ about })}
			/>
			<Area label={label("rule.when")} note={label("rule.help")} value={rule.when} rows={4} onInput={(when) => set({ when })} />
			<details open={rest !== ""}>
				<summary>{label("rule.more")}</summary>
				<Area label={label("rule.more")} value={rest} rows={8} onInput={setRest} />
			</details>
			<label class="check">
				<input type="checkbox" checked={rule.disabled === true} onChange={(e) => set({ disabled: e.currentTarget.checked })} />
				{label("rule.disabled")}
			</label>
			<Problem error={action.error}>{action.error?.kind === "badRequest" ? action.error.detail : undefined}</Problem>
			{tried && <Tried preview={tried} />}
			<div class="button-row">
				<button type="button" class="button" disabled={action.busy} onClick={() => void preview()}>
					<Icon name="eye" size={20} />
					{label("rule.preview")}
				</button>
				<button type="submit" class="button primary" disabled={action.busy}>
					{label("rule.save")}
				</button>
			</div>
		</form>
	);
}

/** Title and sentence in every language, the reader's own first. */
function RuleWords(props: { rule: Rule; set: (patch: Partial<Rule>) => void }) {
	const { rule, set } = props;
	const order = [language.value, ...languages.filter((l) => l !== language.value)];
	return (
		<>
			{order.map((l) => (
				<TextField
					key={l}
					label={label("rule.title", { language: ownNames[l] })}
					value={rule.title[l] ?? ""}
					onInput={(v) => set({ title: { ...rule.title, [l]: v } })}
				/>
			))}
			{order.map((l) => (
				<TextField
					key={l}
					label={label("rule.summary", { language: ownNames[l], braces: "{…}" })}
					value={rule.summary?.[l] ?? ""}
					onInput={(v) => set({ summary: { ...rule.summary, [l]: v } })}
				/>
			))}
		</>
	);
}

/** Collections whose rows are of a structure. */
function recordTypes(): readonly (readonly [string, string])[] {
	const all = collections.value;
	if (all.status !== "ready") return [];
	return all.value
		.filter((c) => c.fields.some((f) => f.name === "uid") && !["buildings", "findings", "reviews"].includes(c.name))
		.map((c) => [c.name, collectionTitle(c.name)] as const);
}

function Area(props: { label: string; note?: string; value: string; rows: number; onInput: (v: string) => void }) {
	return (
		<div class="form-field">
			<label>
				{props.label}
				<textarea
					rows={props.rows}
					spellcheck={false}
					class="code"
					value={props.value}
					onInput={(e) => props.onInput(e.currentTarget.value)}
				/>
			</label>
			{props.note && <small class="form-note">{props.note}</small>}
		</div>
	);
}

function Tried(props: { preview: RulePreview }) {
	const { count, examples, checked = 0, of = 0 } = props.preview;
	return (
		<div class="desk-decided" role="status">
			<Icon name="eye" />
			<div>
				<b>{label("rule.previewed", { n: numberText(count) })}</b>
				{checked < of && <p>{label("rule.sample", { n: numberText(checked), of: numberText(of) })}</p>}
				{examples.length > 0 && <p>{label("rule.examples")}</p>}
				<ul>
					{examples.map((f) => (
						<li key={f.id}>{[f.uid, words(f.summary)].filter(Boolean).join(" · ")}</li>
					))}
				</ul>
			</div>
		</div>
	);
}
