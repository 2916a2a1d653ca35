// The fields of the register's forms, by kind of command.

import { SelectField, TextField } from "../access/form";
import type { Field } from "../api/client";
import { t } from "../i18n";
import { Icon } from "../ui/icons";
import { IconButton } from "../ui/parts";
import { fieldTitle, unitName } from "../ui/text";
import type { Structure } from "./api";
import { beginnings, stationsAfter } from "./commands";
import { DrawOutline } from "./DrawOutline";
import { correctable, type Draft, type Kind } from "./draft";
import { Neighbour } from "./Neighbour";
import { emptyLine, type PlanLine, parsePlan } from "./plan";
import { SplitLine } from "./SplitLine";
import { schemeText, statusText, today } from "./text";
import { tell } from "./words";

interface Props {
	readonly structure: Structure;
	readonly kind: Kind;
	readonly draft: Draft;
	readonly set: (patch: Partial<Draft>) => void;
}

export function Fields(props: Props) {
	const { kind, draft, set } = props;
	return (
		<>
			<Own {...props} />
			{kind !== "undo" && (
				<WhenAndWhy draft={draft} set={set} dateNote={tell(kind === "correct" ? "act.dateWrong" : "act.dateNote")} />
			)}
		</>
	);
}

export function WhenAndWhy(props: {
	draft: Pick<Draft, "date" | "evidence">;
	set: (patch: Partial<Draft>) => void;
	dateNote: string;
}) {
	const { draft, set } = props;
	return (
		<>
			<TextField
				label={tell("act.date")}
				note={props.dateNote}
				type="date"
				value={draft.date}
				onInput={(date) => set({ date })}
				max={today()}
			/>
			<TextField label={tell("act.evidence")} value={draft.evidence} onInput={(evidence) => set({ evidence })} />
		</>
	);
}

function Own(props: Props) {
	const { structure: s, kind, draft, set } = props;
	switch (kind) {
		case "status":
			return (
				<SelectField
					label={tell("act.newStatus")}
					value={draft.status}
					options={stationsAfter(s.status.value).map((x) => [x, statusText(x)] as const)}
					onChange={(status) => set({ status })}
				/>
			);
		case "split":
			return <SplitLine structure={s} onParts={(parts) => set({ parts })} />;
		case "merge":
			return <Neighbour value={draft.other} onInput={(other) => set({ other })} />;
		case "correct":
			return (
				<>
					<Values values={draft.values} onChange={(values) => set({ values })} />
					<DrawOutline onOutline={(geometry) => set({ geometry })} />
				</>
			);
		case "replace":
			return (
				<>
					<Beginning value={draft.status} onChange={(status) => set({ status })} />
					<DrawOutline onOutline={(geometry) => set({ geometry })} />
				</>
			);
		case "alias":
			return <NewNumber draft={draft} set={set} />;
		case "end_alias":
			return (
				<SelectField
					label={tell("act.whichNumber")}
					value={draft.alias}
					options={[
						["", tell("act.choose")] as const,
						...s.aliases.filter((a) => !a.valid_to).map((a) => [a.id, `${schemeText(a.scheme)}: ${a.value}`] as const),
					]}
					onChange={(alias) => set({ alias })}
				/>
			);
		case "units":
			return <Plan lines={draft.plan} onChange={(plan) => set({ plan })} />;
		default:
			return null;
	}
}

export function Beginning(props: { value: string; onChange: (status: string) => void }) {
	return (
		<SelectField
			label={tell("act.newStatus")}
			value={props.value}
			options={beginnings.map((x) => [x, statusText(x)] as const)}
			onChange={props.onChange}
		/>
	);
}

/** A field for each value that a person may set. */
export function Values(props: {
	values: Readonly<Record<string, string>>;
	onChange: (values: Readonly<Record<string, string>>) => void;
}) {
	const { values } = props;
	const type = (f: Field) => (f.type === "integer" || f.type === "real" ? "number" : f.type === "date" ? "date" : "text");
	const label = (f: Field) => [fieldTitle(f), f.unit ? unitName(f.unit) : ""].filter(Boolean).join(", ");
	return (
		<div class="record-values">
			{correctable().map((f) =>
				f.type === "boolean" ? (
					<SelectField
						key={f.name}
						label={label(f)}
						value={values[f.name] ?? ""}
						options={[["", "–"] as const, ["true", t("value.yes")] as const, ["false", t("value.no")] as const]}
						onChange={(v) => props.onChange({ ...values, [f.name]: v })}
					/>
				) : (
					<TextField
						key={f.name}
						label={label(f)}
						type={type(f)}
						step={f.type === "real" ? "any" : undefined}
						value={values[f.name] ?? ""}
						onInput={(v) => props.onChange({ ...values, [f.name]: v })}
					/>
				),
			)}
		</div>
	);
}

const schemes = ["cts", "property_tax", "water", "permit", "electricity", "survey"] as const;

function NewNumber(props: { draft: Draft; set: (patch: Partial<Draft>) => void }) {
	const { draft, set } = props;
	const own = draft.scheme !== "" && !(schemes as readonly string[]).includes(draft.scheme);
	return (
		<>
			<SelectField
				label={tell("act.numberKind")}
				value={own ? "other" : draft.scheme}
				options={[
					["", tell("act.choose")] as const,
					...schemes.map((x) => [x, schemeText(x)] as const),
					["other", tell("act.otherKind")] as const,
				]}
				onChange={(scheme) => set({ scheme })}
			/>
			{own && (
				<TextField
					label={tell("act.ownKind")}
					value={draft.scheme === "other" ? "" : draft.scheme}
					onInput={(v) => set({ scheme: v || "other" })}
				/>
			)}
			<TextField label={tell("act.number")} value={draft.number} onInput={(number) => set({ number })} />
			<TextField label={tell("act.givenBy")} value={draft.source} onInput={(source) => set({ source })} />
		</>
	);
}

const columns = ["from", "to", "units", "use", "area", "wing"] as const;

/** Floors × units, line by line; rows of a spreadsheet are pasted into any field. */
function Plan(props: { lines: readonly PlanLine[]; onChange: (lines: readonly PlanLine[]) => void }) {
	const lines = props.lines.length > 0 ? props.lines : [emptyLine];
	const change = (i: number, patch: Partial<PlanLine>) =>
		props.onChange(lines.map((l, at) => (at === i ? { ...l, ...patch } : l)));
	const paste = (i: number, e: ClipboardEvent) => {
		const pasted = parsePlan(e.clipboardData?.getData("text") ?? "");
		if (pasted.length === 0) return;
		e.preventDefault();
		props.onChange([...lines.slice(0, i), ...pasted, ...lines.slice(i + 1)]);
	};
	return (
		<div class="plan">
			<p class="muted">{tell("plan.note")}</p>
			<table>
				<thead>
					<tr>
						{columns.map((c) => (
							<th key={c} scope="col">
								{tell(`plan.${c}`)}
							</th>
						))}
						<th scope="col">
							<span class="visually-hidden">{tell("plan.remove")}</span>
						</th>
					</tr>
				</thead>
				<tbody>
					{lines.map((l, i) => (
						<tr key={i}>
							{columns.map((c) => (
								<td key={c}>
									<input
										type="text"
										inputMode={c === "units" || c === "area" ? "decimal" : "text"}
										aria-label={`${tell(`plan.${c}`)} ${i + 1}`}
										value={l[c]}
										onInput={(e) => change(i, { [c]: e.currentTarget.value })}
										onPaste={(e) => paste(i, e)}
									/>
								</td>
							))}
							<td>
								<IconButton
									class="small"
									icon="close"
									label={tell("plan.remove")}
									onClick={() => props.onChange(lines.filter((_, at) => at !== i))}
								/>
							</td>
						</tr>
					))}
				</tbody>
			</table>
			<button type="button" class="link-button" onClick={() => props.onChange([...lines, emptyLine])}>
				<Icon name="plus" size={18} />
				{tell("plan.add")}
			</button>
		</div>
	);
}
