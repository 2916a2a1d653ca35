import "../css/editing.css";
import { useEffect, useState } from "preact/hooks";
import { FieldInput, titleAt } from "../access/EditForm";
import { changesOf, type Draft, draftOf, editable } from "../access/edit";
import { Problem, SureButton, useAction } from "../access/form";
import { type DetailedFeature, featurePath, getJSON, send } from "../api/client";
import { me } from "../state/me";
import { refetch } from "../state/selection";
import { update } from "../state/store";
import { announce } from "../state/toasts";
import { dayText, today } from "../structures/text";
import { Icon } from "../ui/icons";
import { collectionNamed, fieldValue } from "../ui/text";
import { changeShape } from "./task";
import { speak } from "./words";

/** What its department does with a thing, on its card: its shape, its inspections, its end. */
export function OwnThings(props: { feature: DetailedFeature; collection: string }) {
	const { feature: f, collection } = props;
	const action = useAction();
	const end = () =>
		action.run(async () => {
			await send("DELETE", featurePath(collection, String(f.id)), undefined, { "If-Match": f.etag });
			announce({ kind: "saved" });
			update({ selection: null });
		});
	return (
		<section class="own-things">
			{(collection === "assets" || collection === "networks") && <Inspections feature={f} collection={collection} />}
			<div class="button-row">
				{f.geometry && (
					<button type="button" class="button" onClick={() => changeShape(collection, f)}>
						<Icon name="edit" />
						{speak("draw.change")}
					</button>
				)}
				<SureButton label={speak("draw.delete")} question={speak("draw.sure")} busy={action.busy} onSure={() => void end()} />
			</div>
			<Problem error={action.error} />
		</section>
	);
}

interface Inspection {
	readonly id: string;
	readonly properties: Readonly<Record<string, unknown>>;
}

interface InspectionList {
	readonly due?: string;
	readonly overdue: boolean;
	readonly inspections: readonly Inspection[];
}

function Inspections(props: { feature: DetailedFeature; collection: string }) {
	const { feature: f, collection } = props;
	const id = String(f.id);
	const [list, setList] = useState<InspectionList | null>(null);
	const [adding, setAdding] = useState(false);
	useEffect(() => {
		const abort = new AbortController();
		getJSON<InspectionList>(`/api/assets/${collection}/${encodeURIComponent(id)}/inspections`, abort.signal).then(setList, () => {
			// Who may not see inspections sees none.
		});
		return () => abort.abort();
	}, [collection, id, f.etag, refetch.value]);
	const fields = collectionNamed("inspections")?.fields ?? [];
	if (!list) return null;
	return (
		<section class="inspections" aria-label={speak("inspect.title")}>
			<h3>{speak("inspect.title")}</h3>
			{list.due && (
				<p class={list.overdue ? "due overdue" : "due"}>
					<Icon name={list.overdue ? "alert" : "clock"} />
					{speak(list.overdue ? "inspect.overdue" : "inspect.due", { day: dayText(list.due) })}
				</p>
			)}
			{list.inspections.length === 0 && <p class="muted">{speak("inspect.none")}</p>}
			<ol class="plain">
				{list.inspections.slice(0, 10).map((i) => (
					<li key={i.id}>
						<b>{dayText(String(i.properties.date ?? ""))}</b>{" "}
						{fields
							.filter((x) => x.name === "condition" || x.name === "defects")
							.map((x) => fieldValue(x, i.properties[x.name], "inspections"))
							.filter(Boolean)
							.join(" · ")}
					</li>
				))}
			</ol>
			{me.value?.may_write.includes("inspections") &&
				(adding ? (
					<NewInspection collection={collection} id={id} onClose={() => setAdding(false)} />
				) : (
					<button type="button" class="button" onClick={() => setAdding(true)}>
						<Icon name="check" />
						{speak("inspect.add")}
					</button>
				))}
		</section>
	);
}

/** What the asset itself says already. */
const given = new Set(["asset", "of", "ward"]);

function NewInspection(props: { collection: string; id: string; onClose: () => void }) {
	const fields = editable(collectionNamed("inspections")?.fields ?? []).filter((f) => !given.has(f.name));
	const [draft, setDraft] = useState<Draft>({ ...draftOf(fields, {}), date: today() });
	const [key] = useState(() => crypto.randomUUID());
	const action = useAction();
	const refused = action.error?.problem.errors ?? [];
	const save = () =>
		action.run(async () => {
			const filled = Object.entries(changesOf(fields, draftOf(fields, {}), draft)).filter(([, v]) => v !== null);
			const properties = { ...Object.fromEntries(filled), asset: props.id, of: props.collection };
			await send(
				"POST",
				"/api/features/inspections",
				{ type: "Feature", geometry: null, properties },
				{ "Idempotency-Key": key },
			);
			announce({ kind: "saved" });
			refetch.value++;
			props.onClose();
		});
	return (
		<form
			class="card-form"
			aria-label={speak("inspect.add")}
			onSubmit={(e) => {
				e.preventDefault();
				void save();
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
			<Problem error={refused.length > 0 ? null : action.error}>
				{refused.length > 0 && refused.map((r) => `${titleAt(fields, r.path)}: ${r.reason}`).join(". ")}
			</Problem>
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy}>
					{speak("draw.save")}
				</button>
				<button type="button" class="button" onClick={props.onClose}>
					{speak("draw.cancel")}
				</button>
			</div>
		</form>
	);
}
