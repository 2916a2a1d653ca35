// Findings counted: each chart is a table whose bars are drawn in its cells, so that
// everybody reads the same; the months are also drawn as lines.

import { words } from "../i18n";
import { numberText } from "../structures/text";
import type { FindingSummary, RuleCounts } from "./api";
import { Months } from "./Months";
import { findingWord, narrow, SeverityChip } from "./parts";
import { label } from "./words";

const most = 24;

export function Charts(props: { summary: FindingSummary }) {
	const { rules, wards, months } = props.summary;
	if (rules.length === 0) return <p class="empty">{label("chart.none")}</p>;
	return (
		<div class="charts">
			<ByRule rules={[...rules].sort((a, b) => b.open - a.open)} />
			<ByWard wards={[...wards].sort((a, b) => b.open - a.open).slice(0, most)} />
			{months.length > 0 && <Months months={months} />}
		</div>
	);
}

function ByWard(props: { wards: FindingSummary["wards"] }) {
	const largest = Math.max(1, ...props.wards.map((w) => w.open));
	return (
		<section>
			<h3 id="chart-wards">{label("chart.wards")}</h3>
			<table class="tallies" aria-labelledby="chart-wards">
				<thead class="visually-hidden">
					<tr>
						<th scope="col">{label("filter.ward")}</th>
						<th scope="col">{findingWord("open")}</th>
					</tr>
				</thead>
				<tbody>
					{props.wards.map((w) => (
						<tr key={w.ward}>
							<th scope="row">
								{w.ward ? (
									<button type="button" class="row-button" onClick={() => narrow({ ward: w.ward, show: "" })}>
										{w.ward}
									</button>
								) : (
									label("chart.noWard")
								)}
							</th>
							<td>
								<span class="tally" style={{ width: `${(w.open / largest) * 100}%` }} />
								<span>{numberText(w.open)}</span>
							</td>
						</tr>
					))}
				</tbody>
			</table>
		</section>
	);
}

const states = ["open", "acknowledged", "resolved", "dismissed"] as const;

function ByRule(props: { rules: readonly RuleCounts[] }) {
	const all = (r: RuleCounts) => states.reduce((n, s) => n + r[s], 0);
	const largest = Math.max(1, ...props.rules.map(all));
	return (
		<section>
			<h3 id="chart-rules">{label("chart.rules")}</h3>
			<ul class="tally-key" aria-hidden="true">
				{states.map((s) => (
					<li key={s}>
						<span class={`tally tally-${s}`} />
						{findingWord(s)}
					</li>
				))}
			</ul>
			<table class="tallies wide" aria-labelledby="chart-rules">
				<thead class="visually-hidden">
					<tr>
						<th scope="col">{label("find.rule")}</th>
						{states.map((s) => (
							<th key={s} scope="col">
								{findingWord(s)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{props.rules.map((r) => (
						<tr key={r.rule}>
							<th scope="row">
								<button type="button" class="row-button" onClick={() => narrow({ rule: r.rule, show: "" })}>
									{words(r.title, r.rule)}
								</button>
								<SeverityChip severity={r.severity} />
							</th>
							{states.map((s) => (
								<td key={s} style={{ flexGrow: r[s] / largest }}>
									<span class={`tally tally-${s}`} hidden={r[s] === 0} />
									<span class={r[s] === 0 ? "visually-hidden" : ""}>{numberText(r[s])}</span>
								</td>
							))}
							<td aria-hidden="true" style={{ flexGrow: 1 - all(r) / largest }} />
						</tr>
					))}
				</tbody>
			</table>
		</section>
	);
}
