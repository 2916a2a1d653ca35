// The findings board: what does not agree, as a list, as charts, and its rules.

import { useEffect, useState } from "preact/hooks";
import { Segments } from "../access/form";
import { useLoaded } from "../access/load";
import { words } from "../i18n";
import { session } from "../state/store";
import type { DeskView } from "../state/url";
import { dayText, numberText } from "../structures/text";
import { severities } from "../style/findings";
import { Icon } from "../ui/icons";
import { Failure, Skeleton } from "../ui/parts";
import {
	type Finding,
	type FindingPage,
	type FindingSummary,
	findingsCsv,
	getFindingSummary,
	getFindings,
	type Where,
} from "./api";
import { Charts } from "./Charts";
import { FindingOne } from "./Finding";
import { DeskHead, findingWord, narrow, Pick, SeverityChip, turn, useChanges, useTidyMap, wardOptions } from "./parts";
import { Rules } from "./Rules";
import { sorted } from "./sorted";
import { label } from "./words";

type View = "list" | "charts" | "rules";
const views: readonly View[] = ["list", "charts", "rules"];
const states = ["acknowledged", "resolved", "dismissed", "all"] as const;

export function Findings(props: { desk: DeskView }) {
	const { item, where } = props.desk;
	const shown = views.find((v) => v === where.show) ?? "list";
	const { show: _, ...filter } = where;
	const changes = useChanges("findings");
	const [summary, again] = useLoaded(
		() => getFindingSummary(filter),
		`${session.value}/${JSON.stringify({ ...filter, sort: "" })}`,
	);
	useTidyMap();
	useEffect(() => {
		if (changes > 0) again();
	}, [changes]);
	if (shown === "rules") return <Rules item={item} views={<Views shown={shown} />} />;
	if (item !== "") return <FindingOne id={item} />;
	const counts = summary.status === "ready" ? summary.value : null;
	return (
		<>
			<DeskHead title={label("find.title")} />
			<div class="structure-body">
				<Views shown={shown} />
				<Filters where={filter} summary={counts} />
				{shown === "list" ? (
					<List where={filter} changes={changes} />
				) : summary.status === "ready" ? (
					<Charts summary={summary.value} />
				) : summary.status === "error" ? (
					<Failure kind={summary.kind} retry={again} />
				) : (
					<Skeleton lines={9} />
				)}
			</div>
		</>
	);
}

function Views(props: { shown: View }) {
	return (
		<Segments
			label={label("find.views")}
			value={props.shown}
			options={views.map((v) => [v, label(`find.${v}`)] as const)}
			onChange={(v) => narrow({ show: v === "list" ? "" : v })}
		/>
	);
}

function Filters(props: { where: Where; summary: FindingSummary | null }) {
	const { where, summary } = props;
	const rules = summary?.rules ?? [];
	const owners = [...new Set(rules.map((r) => r.owner ?? "").filter(Boolean))].sort();
	const narrowed = ["rule", "severity", "ward", "state", "owner", "uid"].some((f) => where[f]);
	return (
		<div class="picks">
			<Pick
				label={label("find.rule")}
				value={where.rule ?? ""}
				any={label("filter.any")}
				options={rules.map((r) => [r.rule, words(r.title, r.rule)] as const)}
				onChange={(rule) => narrow({ rule })}
			/>
			<Pick
				label={label("find.severity")}
				value={where.severity ?? ""}
				any={label("filter.any")}
				options={severities.map((s) => [s, findingWord(s)] as const)}
				onChange={(severity) => narrow({ severity })}
			/>
			<Pick
				label={label("filter.ward")}
				value={where.ward ?? ""}
				any={label("filter.any")}
				options={wardOptions()}
				onChange={(ward) => narrow({ ward })}
			/>
			<Pick
				label={label("filter.state")}
				value={where.state ?? ""}
				any={findingWord("open")}
				options={states.map((s) => [s, s === "all" ? label("filter.any") : findingWord(s)] as const)}
				onChange={(state) => narrow({ state })}
			/>
			<Pick
				label={label("find.owner")}
				value={where.owner ?? ""}
				any={label("filter.any")}
				options={owners.map((o) => [o, o] as const)}
				onChange={(owner) => narrow({ owner })}
			/>
			{narrowed && (
				<button
					type="button"
					class="link-button"
					onClick={() => narrow({ rule: "", severity: "", ward: "", state: "", owner: "", uid: "" })}
				>
					{label("find.clear")}
				</button>
			)}
		</div>
	);
}

const columns = ["severity", "rule", "ward", "found_at"] as const;
type Column = (typeof columns)[number];

const titles: Readonly<Record<Column, () => string>> = {
	severity: () => label("find.severity"),
	rule: () => label("find.what"),
	ward: () => label("filter.ward"),
	found_at: () => label("find.found"),
};

function List(props: { where: Where; changes: number }) {
	const { where, changes } = props;
	const key = `${session.value}/${JSON.stringify(where)}`;
	const [state, again] = useLoaded(() => getFindings(where), key);
	const [more, setMore] = useState<readonly FindingPage[]>([]);
	useEffect(() => setMore([]), [key]);
	useEffect(() => {
		if (changes === 0) return;
		setMore([]);
		again();
	}, [changes]);
	if (state.status === "loading") return <Skeleton lines={9} />;
	if (state.status === "error") return <Failure kind={state.kind} retry={again} />;
	const pages = [state.value, ...more];
	const rows = sorted(
		pages.flatMap((p) => p.findings),
		where.sort || "-found_at",
	);
	const next = pages.at(-1)?.next;
	if (rows.length === 0) {
		return (
			<div class="state">
				<Icon name="check" size={28} />
				<p>{label("find.none")}</p>
				<p class="muted">{label("find.noneHint")}</p>
			</div>
		);
	}
	return (
		<>
			<div class="list-head">
				<span role="status">{state.value.total === null ? "" : label("list.count", { n: numberText(state.value.total) })}</span>
				<a class="button" href={findingsCsv(where)} download="findings.csv">
					<Icon name="download" size={20} />
					{label("find.csv")}
				</a>
			</div>
			<table class="desk-table">
				<thead>
					<tr>
						{columns.map((c) => (
							<Sorter key={c} column={c} sort={where.sort || "-found_at"} />
						))}
					</tr>
				</thead>
				<tbody>
					{rows.map((f) => (
						<Line key={f.id} finding={f} />
					))}
				</tbody>
			</table>
			{next && (
				<button
					type="button"
					class="button wide"
					onClick={() => void getFindings(where, next).then((p) => setMore([...more, p]))}
				>
					{label("list.more")}
				</button>
			)}
		</>
	);
}

function Sorter(props: { column: Column; sort: string }) {
	const { column, sort } = props;
	const down = sort === `-${column}`;
	const up = sort === column;
	// What is worst and newest is wanted first.
	const first = column === "severity" || column === "found_at" ? `-${column}` : column;
	const other = first === column ? `-${column}` : column;
	const title = titles[column]();
	return (
		<th scope="col" aria-sort={down ? "descending" : up ? "ascending" : "none"} class={`col-${column}`}>
			<button
				type="button"
				aria-label={label("find.sort", { what: title })}
				onClick={() => narrow({ sort: sort === first ? other : first })}
			>
				{title}
				<span class={`sorted${down ? " down" : up ? " up" : ""}`} aria-hidden="true" />
			</button>
		</th>
	);
}

function Line(props: { finding: Finding }) {
	const f = props.finding;
	const title = words(f.title, f.rule);
	return (
		<tr>
			<td class="col-severity">
				<SeverityChip severity={f.severity} />
			</td>
			<td class="col-rule">
				<button type="button" class="row-button" onClick={() => turn({ item: f.id })}>
					<b>{title}</b>
					<span>{words(f.summary)}</span>
				</button>
				{f.state !== "open" && <span class="tag">{findingWord(f.state)}</span>}
			</td>
			<td class="col-ward">{f.ward}</td>
			<td class="col-found_at">{dayText(f.found_at)}</td>
		</tr>
	);
}
