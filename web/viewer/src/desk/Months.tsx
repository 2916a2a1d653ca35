import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import { localeOf } from "../format/numbers";
import { language } from "../i18n";
import { theme } from "../state/store";
import { numberText } from "../structures/text";
import type { FindingSummary } from "./api";
import { label } from "./words";

type Month = FindingSummary["months"][number];

/** Found and closed, month by month: two lines, and the same as a table. */
export function Months(props: { months: readonly Month[] }) {
	const { months } = props;
	const box = useRef<HTMLDivElement>(null);
	const lang = language.value;
	const dark = theme.value;
	useEffect(() => {
		const at = box.current;
		if (!at || months.length < 2) return;
		const css = getComputedStyle(at);
		const ink = css.getPropertyValue("--ink-2");
		const line = css.getPropertyValue("--line");
		const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: "13px Mukta, sans-serif" };
		const chart = new UPlot(
			{
				width: at.clientWidth,
				height: 220,
				// Months have names: their place is their number in the list.
				scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
				legend: { show: false },
				cursor: { show: false },
				axes: [
					{
						...axis,
						splits: () => months.map((_, i) => i),
						values: (_, at) => at.map((i) => monthText(months[i]?.month ?? "", true)),
						space: 44,
					},
					{ ...axis, size: 48, values: (_, at) => at.map((v) => (Number.isInteger(v) ? numberText(v) : "")) },
				],
				series: [
					{},
					{ label: label("chart.found"), stroke: css.getPropertyValue("--closed"), width: 2.5, points: { show: true, size: 7 } },
					{
						label: label("chart.closed"),
						stroke: css.getPropertyValue("--open"),
						width: 2.5,
						dash: [7, 4],
						points: { show: true, size: 7 },
					},
				],
			},
			[months.map((_, i) => i), months.map((m) => m.found), months.map((m) => m.closed)],
			at,
		);
		const watch = new ResizeObserver(() => chart.setSize({ width: at.clientWidth, height: 220 }));
		watch.observe(at);
		return () => {
			watch.disconnect();
			chart.destroy();
		};
	}, [months, lang, dark]);
	return (
		<section>
			<h3 id="chart-months">{label("chart.months")}</h3>
			<ul class="tally-key" aria-hidden="true">
				<li class="key-found">{label("chart.found")}</li>
				<li class="key-closed">{label("chart.closed")}</li>
			</ul>
			<div ref={box} class="months" aria-hidden="true" />
			<details>
				<summary>{label("chart.table")}</summary>
				<table class="desk-table" aria-labelledby="chart-months">
					<thead>
						<tr>
							<th scope="col">{label("chart.month")}</th>
							<th scope="col">{label("chart.found")}</th>
							<th scope="col">{label("chart.closed")}</th>
						</tr>
					</thead>
					<tbody>
						{months.map((m) => (
							<tr key={m.month}>
								<th scope="row">{monthText(m.month, false)}</th>
								<td>{numberText(m.found)}</td>
								<td>{numberText(m.closed)}</td>
							</tr>
						))}
					</tbody>
				</table>
			</details>
		</section>
	);
}

/** "2026-11" as "Nov 2026", or "Nov 26" where there is little room. */
function monthText(month: string, short: boolean): string {
	const t = new Date(`${month}-01T00:00:00Z`);
	if (Number.isNaN(t.getTime())) return month;
	const year = short ? "2-digit" : "numeric";
	return new Intl.DateTimeFormat(localeOf(language.value), { month: "short", year, timeZone: "UTC" }).format(t);
}
