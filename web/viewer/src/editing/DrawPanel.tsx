import "../css/editing.css";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { FieldInput, titleAt } from "../access/EditForm";
import { changesOf, type Draft, draftOf, editable } from "../access/edit";
import { Problem, Segments, useAction } from "../access/form";
import { type Collection, type DetailedFeature, featurePath, getFeature, send } from "../api/client";
import { areaOf, lengthOf } from "../format/geodesy";
import { showWhole, theMap } from "../map/camera";
import { me } from "../state/me";
import { refetch } from "../state/selection";
import { collections, mapTap, phone, sketch, update } from "../state/store";
import { announce } from "../state/toasts";
import { Icon } from "../ui/icons";
import { areaText, collectionTitle, distanceText } from "../ui/text";
import { drawn, geometryOf, isWhole, type Kind, kindsOf, noShape, type Shape, shapeOf, tapped, without } from "./shape";
import { snapped } from "./snap";
import { type Task, task } from "./task";
import { type Warning, Warnings } from "./Warnings";
import { speak } from "./words";

/** What is drawn in the register's own pages, or kept by the server itself. */
const elsewhere = new Set(["structures", "buildings", "wards", "prabhags", "land", "findings", "reviews"]);

/** The collections that the reader may draw in. */
function drawable(): readonly Collection[] {
	const all = collections.value;
	const writes = me.value?.may_write ?? [];
	if (all.status !== "ready") return [];
	return all.value.filter((c) => writes.includes(c.name) && kindsOf(c.geometry).length > 0 && !elsewhere.has(c.name));
}

/** Draws a new thing, or changes the shape of one. */
export function DrawPanel() {
	const [warnings, setWarnings] = useState<readonly Warning[]>([]);
	// The shape goes with the panel.
	useEffect(() => () => stop(), []);
	if (warnings.length > 0) return <Warnings warnings={warnings} onDone={() => setWarnings([])} />;
	const t = task.value;
	const list = drawable();
	const c = list.find((x) => x.name === t?.collection);
	if (t && c) return <Drawing key={`${c.name}/${t.feature?.id ?? ""}`} task={t} collection={c} onWarnings={setWarnings} />;
	return (
		<div class="drawing">
			<p>{list.length === 0 ? speak("draw.none") : speak("draw.choose")}</p>
			<ul class="choose-list">
				{list.map((x) => (
					<li key={x.name}>
						<button
							type="button"
							class="button"
							onClick={() => {
								task.value = { collection: x.name, feature: null };
							}}
						>
							{collectionTitle(x.name)}
						</button>
					</li>
				))}
			</ul>
		</div>
	);
}

function stop(): void {
	task.value = null;
	sketch.value = null;
	mapTap.value = null;
}

/** Radius around a corner in which a tap takes it up, in pixels. */
const reach = () => (phone.peek() || matchMedia("(pointer: coarse)").matches ? 22 : 12);

/** The shape that taps on the map make, with the steps back. */
function useDrawing(start: Shape) {
	const [steps, setSteps] = useState<readonly Shape[]>([start]);
	const shape = steps.at(-1) ?? start;
	const step = (next: Shape) => setSteps((all) => [...all, next]);
	// At once, since a quick second tap goes on from the shape that the first one made.
	useLayoutEffect(() => {
		sketch.value = drawn(shape);
		mapTap.value = (p) => {
			const map = theMap();
			if (!map) return;
			const project = (q: readonly [number, number]): readonly [number, number] => {
				const at = map.project([q[0], q[1]]);
				return [at.x, at.y];
			};
			step(tapped(shape, p, snapped(p), project, reach()));
		};
	}, [shape]);
	return {
		shape,
		step,
		undo: () => setSteps((all) => (all.length > 1 ? all.slice(0, -1) : all)),
		reset: (s: Shape) => setSteps([s]),
		steps: steps.length,
	};
}

function hint(s: Shape): string {
	if (s.held >= 0) return speak("draw.held");
	if (s.points.length > 0) return speak(s.kind === "point" ? "draw.placed" : "draw.next");
	if (s.kind === "point") return speak("draw.start.point");
	return speak(s.kind === "line" ? "draw.start.line" : "draw.start.polygon");
}

function Drawing(props: { task: Task; collection: Collection; onWarnings: (w: readonly Warning[]) => void }) {
	const { collection: c } = props;
	const feature = props.task.feature;
	const kinds = kindsOf(c.geometry);
	const d = useDrawing((feature && shapeOf(feature.geometry)) ?? noShape(kinds[0] ?? "point"));
	const fields = feature ? [] : editable(c.fields);
	const [draft, setDraft] = useState<Draft>(draftOf(fields, {}));
	const [theirs, setTheirs] = useState<DetailedFeature | null>(null);
	// One key for one thing: a second try after a lost answer makes no second thing.
	const [key, setKey] = useState(() => crypto.randomUUID());
	const action = useAction();
	useEffect(() => {
		if (feature) showWhole(feature.geometry);
	}, []);
	const geometry = geometryOf(d.shape);
	const saved = (f: { id: string; key?: unknown; warnings?: readonly Warning[] }) => {
		announce({ kind: "saved" });
		refetch.value++;
		stop();
		if (f.warnings && f.warnings.length > 0) props.onWarnings(f.warnings);
		else update({ panel: null, selection: { collection: c.name, id: String(f.key ?? f.id) }, here: null });
	};
	const save = (etag?: string) =>
		action.run(async () => {
			if (!geometry) return;
			if (!feature) {
				const properties = Object.fromEntries(
					Object.entries(changesOf(fields, draftOf(fields, {}), draft)).filter(([, v]) => v !== null),
				);
				saved(
					await send("POST", `/api/features/${c.name}`, { type: "Feature", geometry, properties }, { "Idempotency-Key": key }),
				);
				setKey(crypto.randomUUID());
				return;
			}
			try {
				const headers = { "If-Match": etag ?? feature.etag, "Content-Type": "application/merge-patch+json" };
				saved(await send("PATCH", featurePath(c.name, String(feature.id)), { geometry }, headers));
			} catch (e) {
				if ((e as { kind?: string }).kind === "changed") setTheirs(await getFeature(c.name, String(feature.id)));
				throw e;
			}
		});
	const refused = action.error?.problem.errors ?? [];
	const parts = feature !== null && shapeOf(feature.geometry) === null;
	return (
		<form
			class="drawing card-form"
			aria-label={collectionTitle(c.name)}
			onSubmit={(e) => {
				e.preventDefault();
				void save();
			}}
		>
			<h3>{feature ? speak("draw.change") : collectionTitle(c.name)}</h3>
			{parts && <p class="muted">{speak("draw.parts")}</p>}
			{!feature && kinds.length > 1 && (
				<Segments
					label={speak("draw.shape")}
					options={kinds.map((k): readonly [Kind, string] => [k, kindTitle(k)])}
					value={d.shape.kind}
					onChange={(k) => d.reset(noShape(k))}
				/>
			)}
			{!parts && <Corners drawing={d} />}
			{fields.map((f) => (
				<FieldInput
					key={f.name}
					field={f}
					value={draft[f.name] ?? ""}
					onInput={(v) => setDraft({ ...draft, [f.name]: v })}
					invalid={refused.some((r) => r.path.endsWith(f.name))}
				/>
			))}
			{fields.some((f) => f.required) && <p class="muted">{speak("draw.required")}</p>}
			{theirs ? (
				<div class="problem" role="alert">
					<div>
						<p>{speak("draw.conflict")}</p>
						<div class="button-row">
							<button type="button" class="button" disabled={action.busy} onClick={() => void save(theirs.etag)}>
								{speak("draw.mine")}
							</button>
							<button
								type="button"
								class="button"
								onClick={() => {
									task.value = { collection: c.name, feature: theirs };
									d.reset(shapeOf(theirs.geometry) ?? d.shape);
									setTheirs(null);
									action.clear();
								}}
							>
								{speak("draw.theirs")}
							</button>
						</div>
					</div>
				</div>
			) : (
				<Problem error={refused.length > 0 ? null : action.error}>
					{refused.length > 0 && refused.map((r) => `${titleAt(fields, r.path)}: ${r.reason}`).join(". ")}
				</Problem>
			)}
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy || parts || !isWhole(d.shape) || theirs !== null}>
					{speak("draw.save")}
				</button>
				<button type="button" class="button" onClick={stop}>
					{feature ? speak("draw.cancel") : speak("draw.other")}
				</button>
			</div>
			{!isWhole(d.shape) && <p class="muted">{speak("draw.unfinished")}</p>}
		</form>
	);
}

function kindTitle(k: Kind): string {
	if (k === "point") return speak("draw.point");
	return speak(k === "line" ? "draw.line" : "draw.polygon");
}

function Corners(props: { drawing: ReturnType<typeof useDrawing> }) {
	const { shape: s, step, undo, reset, steps } = props.drawing;
	return (
		<div class="corners">
			<p class="hint" aria-live="polite">
				{hint(s)}
			</p>
			{s.kind !== "point" && s.points.length > 1 && (
				<p class="muted">
					{s.kind === "polygon" && s.points.length > 2
						? speak("draw.area", { area: areaText(areaOf(s.points)) })
						: speak("draw.length", { length: distanceText(lengthOf(s.points)) })}
				</p>
			)}
			<div class="button-row">
				<button type="button" class="button" disabled={steps < 2} onClick={undo}>
					<Icon name="undo" />
					{speak("draw.undo")}
				</button>
				{s.held >= 0 && (
					<button type="button" class="button" onClick={() => step(without(s))}>
						<Icon name="trash" />
						{speak("draw.remove")}
					</button>
				)}
				<button type="button" class="button" disabled={s.points.length === 0} onClick={() => reset(noShape(s.kind))}>
					{speak("draw.clear")}
				</button>
			</div>
			<p class="muted keys">{speak("draw.keys")}</p>
		</div>
	);
}
