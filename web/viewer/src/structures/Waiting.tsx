// What waits for somebody about a structure: findings, and records in doubt.

import { useEffect, useState } from "preact/hooks";
import { type Finding, getFindings, getReviews, type ReviewLine } from "../desk/api";
import { findingWord, SeverityChip } from "../desk/parts";
import { label } from "../desk/words";
import { words } from "../i18n";
import { desksSeen } from "../state/duties";
import { refetch } from "../state/selection";
import { deskChanges, session, update } from "../state/store";
import type { DeskName } from "../state/url";
import { collectionTitle } from "../ui/text";
import { Part } from "./parts";
import { dayText } from "./text";
import "../css/desk.css";

export interface Waiting {
	readonly findings: readonly Finding[];
	readonly reviews: readonly ReviewLine[];
}

const nothing: Waiting = { findings: [], reviews: [] };

/** Findings and reviews of a structure, as far as the reader sees any; follows the server. */
export function useWaiting(uid: string): Waiting {
	const [found, setFound] = useState<Waiting>(nothing);
	const { findings, reviews } = desksSeen.value;
	const key = `${session.value}/${findings}/${reviews}/${refetch.value}/${JSON.stringify(deskChanges.value)}`;
	useEffect(() => setFound(nothing), [uid, session.value]);
	useEffect(() => {
		if (!findings && !reviews) return;
		let wanted = true;
		// What cannot be had is left out: the page does without.
		void Promise.all([
			findings ? getFindings({ uid, state: "all" }).catch(() => null) : null,
			reviews ? getReviews({ uid, state: "all" }).catch(() => null) : null,
		]).then(([f, r]) => {
			if (wanted) setFound({ findings: f?.findings ?? [], reviews: r?.reviews ?? [] });
		});
		return () => {
			wanted = false;
		};
	}, [uid, key]);
	return found;
}

/** The finding or review on its desk, to which "back" returns from here. */
function open(name: DeskName, item: string): void {
	update({ desk: { name, item, where: {} }, structure: null, selection: null, here: null });
}

export function Findings(props: { findings: readonly Finding[] }) {
	const { findings } = props;
	if (!desksSeen.value.findings) return null;
	const waiting = findings.filter((f) => f.state === "open" || f.state === "acknowledged");
	const sorted = [...waiting, ...findings.filter((f) => !waiting.includes(f))];
	return (
		<Part name="findings" title={label("page.findings")} count={waiting.length}>
			{findings.length === 0 && <p class="empty">{label("page.noFindings")}</p>}
			<ul class="desk-list">
				{sorted.map((f) => (
					<li key={f.id}>
						<button type="button" class="desk-line" onClick={() => open("findings", f.id)}>
							<span class="desk-line-text">
								<b>{words(f.title, f.rule)}</b>
								<small>{words(f.summary)}</small>
								<small>{[f.state === "open" ? "" : findingWord(f.state), dayText(f.found_at)].filter(Boolean).join(" · ")}</small>
							</span>
							<span class="desk-line-side">
								<SeverityChip severity={f.severity} />
							</span>
						</button>
					</li>
				))}
			</ul>
		</Part>
	);
}

export function Reviews(props: { reviews: readonly ReviewLine[] }) {
	const { reviews } = props;
	if (reviews.length === 0) return null;
	return (
		<Part name="reviews" title={label("page.reviews")} count={reviews.length}>
			<ul class="desk-list">
				{reviews.map((r) => (
					<li key={r.id}>
						<button type="button" class="desk-line" onClick={() => open("reviews", r.id)}>
							<span class="desk-line-text">
								<b>{r.record.title || r.record.id}</b>
								<small>{collectionTitle(r.collection)}</small>
							</span>
							<span class="desk-line-side">
								<span class="likely">{label("review.sure", { n: Math.round(r.score * 100) })}</span>
							</span>
						</button>
					</li>
				))}
			</ul>
		</Part>
	);
}
