import { t } from "../i18n";
import { Icon, type IconName } from "../ui/icons";
import type { Candidate, Reason, Review, Verdict } from "./api";
import { heightText } from "./heights";
import { openStructureOf } from "./parts";
import { compareReasons, type Line } from "./reasons";
import { candidateColor } from "./shapes";
import { label, labelIfKnown } from "./words";

const marks: Readonly<Record<Verdict, IconName>> = { same: "check", like: "alike", differs: "close", missing: "minus" };

/** The candidates side by side: what the record says, and how each agrees with it. */
export function Comparison(props: { review: Review; chosen: string; onChoose?: ((uid: string) => void) | undefined }) {
	const { review, chosen, onChoose } = props;
	const { candidates } = review;
	const lines = compareReasons(candidates);
	const seen = candidates.some((c) => c.uid === chosen) ? chosen : (candidates[0]?.uid ?? "");
	return (
		<section class="candidates" aria-label={label("review.compared")}>
			<ul class="candidate-cards">
				{candidates.map((c, i) => (
					<li key={c.uid}>
						<Card candidate={c} n={i + 1} chosen={c.uid === chosen} onChoose={onChoose} />
					</li>
				))}
			</ul>
			{lines.length === 0 ? (
				<p class="empty">{label("review.noParts")}</p>
			) : (
				<div class="matrix-frame">
					<table class="matrix">
						<caption class="visually-hidden">{label("review.compared")}</caption>
						<thead>
							<tr>
								<th scope="col">{label("review.part")}</th>
								<th scope="col">{label("review.record")}</th>
								{candidates.map((c, i) => (
									<th key={c.uid} scope="col" class={c.uid === seen ? "seen" : "unseen"} style={{ "--tone": candidateColor(i) }}>
										<span class="candidate-number" aria-hidden="true">
											{i + 1}
										</span>
										<span class="visually-hidden">{label("review.candidate", { n: i + 1 })}</span>
									</th>
								))}
							</tr>
						</thead>
						<tbody>
							{lines.map((l) => (
								<Row key={l.part} line={l} candidates={candidates} seen={seen} />
							))}
						</tbody>
					</table>
				</div>
			)}
		</section>
	);
}

function Card(props: { candidate: Candidate; n: number; chosen: boolean; onChoose?: ((uid: string) => void) | undefined }) {
	const { candidate: c, n, chosen, onChoose } = props;
	const name = c.name || c.address || c.uid;
	return (
		<div class={`candidate${chosen ? " chosen" : ""}`} style={{ "--tone": candidateColor(n - 1) }}>
			<button type="button" aria-pressed={chosen} disabled={!onChoose} onClick={() => onChoose?.(c.uid)}>
				<span class="candidate-top">
					<span class="candidate-number">{n}</span>
					<span class="likely">{label("review.sure", { n: Math.round(c.score * 100) })}</span>
				</span>
				<b>{name}</b>
				{c.name && c.address && <small>{c.address}</small>}
				<small>{[c.ward ? t("ward.name", { name: c.ward }) : "", heightText(c.height_m)].filter(Boolean).join(" · ")}</small>
			</button>
			<button type="button" class="uid-link" onClick={() => openStructureOf(c.uid)}>
				{c.uid}
			</button>
		</div>
	);
}

function Row(props: { line: Line; candidates: readonly Candidate[]; seen: string }) {
	const { line, candidates, seen } = props;
	return (
		<tr>
			<th scope="row">{labelIfKnown(`part.${line.part.toLowerCase().replaceAll(" ", "_")}`) ?? line.part}</th>
			<td>{line.record || "–"}</td>
			{candidates.map((c, i) => (
				<td key={c.uid} class={c.uid === seen ? "seen" : "unseen"}>
					<Cell reason={line.cells[i] ?? null} />
				</td>
			))}
		</tr>
	);
}

/** A mark, a word, and what the structure says where it is not the very same. */
function Cell(props: { reason: Reason | null }) {
	const r = props.reason;
	if (!r) return <span class="verdict verdict-missing">–</span>;
	const said = r.structure && (r.verdict !== "same" || r.structure !== r.record) ? r.structure : "";
	return (
		<span class={`verdict verdict-${r.verdict}`}>
			<span>
				<Icon name={marks[r.verdict]} size={16} />
				{label(`verdict.${r.verdict}`)}
			</span>
			{said && <small>{said}</small>}
		</span>
	);
}
