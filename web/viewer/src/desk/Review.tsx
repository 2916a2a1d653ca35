// One record beside the structures it may be of.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, TextField, useAction } from "../access/form";
import { Loaded, useLoaded } from "../access/load";
import { PurposeForm } from "../access/PurposeForm";
import type { ApiError } from "../api/client";
import { t } from "../i18n";
import { me } from "../state/me";
import { session, structureShape } from "../state/store";
import { getStructure } from "../structures/api";
import { refusalText } from "../structures/refusal";
import { dayText, titleOf, valueText } from "../structures/text";
import { Icon } from "../ui/icons";
import { collectionNamed, collectionTitle } from "../ui/text";
import { type Decision, decide, getReview, type Review, type ReviewCounts, type ReviewLine } from "./api";
import { Comparison } from "./Comparison";
import { DeskHead, openStructureOf, turn } from "./parts";
import { decidedText, Progress } from "./progress";
import { nextOf } from "./reasons";
import { showReview } from "./shapes";
import { label } from "./words";

/** The structure that was tapped on the map while a review is open; "" for none. */
export const pickedOther = signal("");

/** What was decided in this visit, latest last, so that Z takes it back. */
const decisions = signal<readonly string[]>([]);

/** Reviews on their way, so that the next one is there at once. */
const coming = new Map<string, Promise<Review>>();

function fetchReview(id: string): Promise<Review> {
	const key = `${session.peek()}/${id}`;
	const p = coming.get(key) ?? getReview(id);
	coming.delete(key);
	return p;
}

function prefetch(id: string): void {
	const key = `${session.peek()}/${id}`;
	if (id === "" || coming.has(key)) return;
	const p = getReview(id);
	coming.set(key, p);
	p.catch(() => coming.delete(key));
}

export function waits(r: { readonly state: string }): boolean {
	return r.state === "open" || r.state === "undone";
}

export function ReviewOne(props: { id: string; queue: readonly ReviewLine[]; counts: ReviewCounts | null }) {
	const { id, queue } = props;
	const [state, again] = useLoaded(() => fetchReview(id), `${session.value}/${id}`);
	const heading = state.status === "ready" ? collectionTitle(state.value.collection) : label("review.title");
	const back = { title: heading, onBack: () => turn({ item: "" }), backLabel: label("list.back") };
	return (
		<>
			<DeskHead {...back} />
			{state.status === "ready" && state.value.id === id ? (
				<Body key={id} review={state.value} queue={queue} counts={props.counts} again={again} />
			) : (
				<div class="structure-body">
					<Loaded state={state} again={again}>
						{() => null}
					</Loaded>
				</div>
			)}
		</>
	);
}

interface BodyProps {
	readonly review: Review;
	readonly queue: readonly ReviewLine[];
	readonly counts: ReviewCounts | null;
	readonly again: () => void;
}

function Body(props: BodyProps) {
	const [review, setReview] = useState(props.review);
	const [chosen, setChosen] = useState("");
	const [note, setNote] = useState("");
	const action = useAction();
	const body = useRef<HTMLDivElement>(null);
	const { candidates } = review;
	const open = waits(review) && review.may_decide !== false;
	const next = nextOf(props.queue, review.id, new Set(decisions.value));
	useEffect(() => setReview(props.review), [props.review]);
	useEffect(() => {
		pickedOther.value = "";
		prefetch(next);
		document.getElementById("structure-title")?.focus({ preventScroll: true });
	}, [review.id]);
	const tapped = pickedOther.value;
	useEffect(() => {
		if (tapped) setChosen(tapped);
	}, [tapped]);
	const shown = open ? chosen : (review.decided?.uid ?? "");
	useEffect(() => showReview(review, shown), [review, shown]);
	useOther(candidates.some((c) => c.uid === shown) ? "" : shown);

	const act = async (decision: Decision, uid = "") => {
		const ok = await action.run(async () => {
			const after = await decide(review.id, decision, uid, note);
			setReview(after);
			setNote("");
			setChosen("");
			if (decision === "undo") decisions.value = decisions.peek().filter((d) => d !== review.id);
			else decisions.value = [...decisions.peek().filter((d) => d !== review.id), review.id];
		});
		if (ok && decision !== "undo" && next) turn({ item: next });
		return ok;
	};
	const undoLast = async () => {
		const last = decisions.peek().at(-1);
		if (!last) return;
		if (last === review.id) {
			await act("undo");
			return;
		}
		const ok = await action.run(async () => {
			await decide(last, "undo");
			decisions.value = decisions.peek().filter((d) => d !== last);
		});
		if (ok) turn({ item: last });
	};
	const skip = () => next && turn({ item: next });
	useKeys({
		join: (n) => {
			const c = candidates[n - 1];
			if (open && c) void act("join", c.uid);
		},
		none: () => open && void act("none"),
		skip,
		undo: () => void undoLast(),
	});
	return (
		<>
			<div class="structure-body" ref={body}>
				<Progress counts={props.counts} />
				{review.decided && !open && <Decided review={review} />}
				<Record review={review} />
				<Comparison review={review} chosen={shown} onChoose={open ? setChosen : undefined} />
				{open && <p class="muted">{label("review.tapOther")}</p>}
				<History review={review} />
				{open && <TextField label={label("note.label")} value={note} onInput={setNote} />}
				{action.error && <Problem error={action.error}>{problemText(action.error)}</Problem>}
				{action.error?.kind === "changed" && (
					<button type="button" class="button" onClick={props.again}>
						{t("state.retry")}
					</button>
				)}
			</div>
			<footer class="desk-foot">
				{open ? (
					<button
						type="button"
						class="button primary"
						disabled={action.busy || chosen === ""}
						onClick={() => void act("join", chosen)}
					>
						<Icon name="link" size={20} />
						{joinText(candidates.findIndex((c) => c.uid === chosen) + 1, chosen)}
					</button>
				) : waits(review) || review.may_decide === false ? null : (
					<button type="button" class="button" disabled={action.busy} onClick={() => void act("undo")}>
						<Icon name="undo" size={20} />
						{label("review.undo")}
					</button>
				)}
				{open && (
					<button type="button" class="button" disabled={action.busy} onClick={() => void act("none")}>
						<Icon name="close" size={20} />
						{label("review.noneOf")}
					</button>
				)}
				<button type="button" class="button" disabled={action.busy || next === ""} onClick={skip}>
					<Icon name="chevron" size={20} />
					{label("review.skip")}
				</button>
				{open && decisions.value.length > 0 && (
					<button type="button" class="button" disabled={action.busy} onClick={() => void undoLast()}>
						<Icon name="undo" size={20} />
						{label("review.undoLast")}
					</button>
				)}
				<small class="desk-keys">{label("review.keys")}</small>
			</footer>
		</>
	);
}

function joinText(n: number, uid: string): string {
	if (uid === "") return label("review.joinChoose");
	return n > 0 ? label("review.join", { n }) : label("review.joinOther", { uid });
}

function problemText(e: ApiError): string {
	return e.kind === "changed" ? takenText(e.detail) : refusalText(e);
}

/** Who was faster, where the server says so. */
function takenText(detail: string): string {
	const name = /already: (.+?) decided /.exec(detail)?.[1] ?? "";
	return name ? label("review.taken", { name }) : label("review.takenSome");
}

/** Outlines a structure that is none of the candidates. */
function useOther(uid: string): void {
	useEffect(() => {
		if (uid === "") return;
		let wanted = true;
		getStructure(uid, "")
			.then(({ value: s }) => {
				if (wanted) structureShape.value = s.geometry && { type: "Feature", properties: {}, geometry: s.geometry };
			})
			.catch(() => undefined);
		return () => {
			wanted = false;
			structureShape.value = null;
		};
	}, [uid]);
}

/** Keys that decide, unless something is being typed. */
function useKeys(on: { join: (n: number) => void; none: () => void; skip: () => void; undo: () => void }): void {
	const now = useRef(on);
	now.current = on;
	useEffect(() => {
		const onKey = (e: KeyboardEvent) => {
			const at = e.target;
			if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || document.querySelector("dialog[open]")) return;
			if (at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement) return;
			const key = e.code.startsWith("Key") ? e.code.slice(3) : e.key;
			if (/^[1-9]$/.test(key)) now.current.join(Number(key));
			else if (key === "N") now.current.none();
			else if (key === "S") now.current.skip();
			else if (key === "Z") now.current.undo();
			else return;
			e.preventDefault();
		};
		addEventListener("keydown", onKey);
		return () => removeEventListener("keydown", onKey);
	}, []);
}

function Decided(props: { review: Review }) {
	const { decided, state } = props.review;
	if (!decided) return null;
	const uid = decided.uid ?? "";
	return (
		<div class="desk-decided" role="status">
			<Icon name="check" />
			<div>
				<b>{decidedText(state, decided)}</b>
				{decided.note && <p>{decided.note}</p>}
				{uid && (
					<button type="button" class="uid-link" onClick={() => openStructureOf(uid)}>
						{uid}
					</button>
				)}
			</div>
		</div>
	);
}

/** What the department wrote, as far as the reader may see it. */
function Record(props: { review: Review }) {
	const { collection, record } = props.review;
	const [asking, setAsking] = useState(false);
	const fields = collectionNamed(collection)?.fields.map((f) => f.name) ?? [];
	const names = [...fields, ...Object.keys(record.properties).filter((n) => !fields.includes(n))];
	const rows = names
		.filter((n) => n !== "uid" && n !== "source_id")
		.map((name) => ({ name, text: valueText(collection, name, record.properties[name] ?? null) }))
		.filter((r) => r.text !== "");
	const personal = me.value?.personal && !me.value.purpose;
	return (
		<section class="desk-record">
			<h3>
				<span class="record-mark" aria-hidden="true" />
				{label("review.record")}
			</h3>
			<dl class="fields">
				{rows.map((r) => (
					<div key={r.name}>
						<dt>{titleOf(collection, r.name)}</dt>
						<dd>{r.text}</dd>
					</div>
				))}
			</dl>
			{personal && !asking && (
				<button type="button" class="link-button" onClick={() => setAsking(true)}>
					{t("card.personal")}
				</button>
			)}
			{asking && <PurposeForm onClose={() => setAsking(false)} />}
		</section>
	);
}

function History(props: { review: Review }) {
	const { history } = props.review;
	if (history.length === 0) return null;
	const stateOf = { join: "joined", none: "none", undo: "undone" } as const;
	return (
		<details class="part">
			<summary>
				<h3>{label("review.history")}</h3>
				<span class="count">{history.length}</span>
			</summary>
			<ol class="desk-history">
				{[...history].reverse().map((h, i) => (
					<li key={i}>
						<time dateTime={h.at}>{dayText(h.at)}</time>
						<span>
							{decidedText(stateOf[h.decision as Decision] ?? "", h)}
							{h.uid && ` · ${h.uid}`}
							{h.note && ` · ${h.note}`}
						</span>
					</li>
				))}
			</ol>
		</details>
	);
}
