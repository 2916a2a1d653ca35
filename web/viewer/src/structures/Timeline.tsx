import { useState } from "preact/hooks";
import type { Finding } from "../desk/api";
import { words } from "../i18n";
import { collectionTitle } from "../ui/text";
import type { Past, StructureEvent } from "./api";
import { Part, UidLink } from "./parts";
import { dayOf, dayText, numberText, statusText, titleOf, valueText } from "./text";
import { type Change, type Moment, timeline } from "./timeline";
import { tell, tellIfKnown } from "./words";

const few = 5;

/** What happened to a structure, newest first; on an earlier day, up to it. */
export function Timeline(props: { past: Past; findings?: readonly Finding[]; asof: string }) {
	const [all, setAll] = useState(false);
	const moments = timeline(props.past, props.findings).filter((m) => props.asof === "" || dayOf(m.time) <= props.asof);
	const shown = all ? moments : moments.slice(0, few);
	return (
		<Part name="timeline" title={tell("time.title")} count={moments.length}>
			{moments.length === 0 && <p class="empty">{tell("time.none")}</p>}
			<ol class="timeline">
				{shown.map((m) => (
					<OneMoment key={`${m.rev}/${m.event?.id ?? m.finding?.of.id ?? m.collection}/${m.finding?.closed}`} moment={m} />
				))}
			</ol>
			{shown.length < moments.length && (
				<button type="button" class="link-button" onClick={() => setAll(true)}>
					{tell("time.all", { n: numberText(moments.length) })}
				</button>
			)}
		</Part>
	);
}

function OneMoment(props: { moment: Moment }) {
	const { event: e, time, recorded, changes, finding } = props.moment;
	const undone = Boolean(e?.undone_by);
	return (
		<li class={`${e ? "event" : "data"}${undone ? " undone" : ""}`}>
			<time dateTime={time}>{dayText(time)}</time>
			<div>
				<b>{momentText(props.moment)}</b>
				{undone && <span class="tag">{tell("time.undone")}</span>}
				{finding && !finding.closed && <p>{words(finding.of.summary)}</p>}
				{e && <Lineage event={e} />}
				{e?.evidence && <p>{e.evidence}</p>}
				{changes.length > 0 && (
					<ul>
						{changes.map((c) => (
							<OneChange key={c.field} change={c} />
						))}
					</ul>
				)}
				<small>
					{[e?.actor ?? "", recorded && dayOf(recorded) !== dayOf(time) ? tell("time.recorded", { day: dayText(recorded) }) : ""]
						.filter(Boolean)
						.join(" · ")}
				</small>
			</div>
		</li>
	);
}

function momentText(m: Moment): string {
	if (m.finding) {
		const what = words(m.finding.of.title, m.finding.of.rule);
		return tell(m.finding.closed ? "time.settled" : "time.found", { what });
	}
	if (!m.event) return tell(m.first ? "time.first" : "time.changed", { what: collectionTitle(m.collection) });
	return eventText(m.event);
}

export function eventText(e: StructureEvent): string {
	if (e.kind === "status") return tell("event.status", { status: statusText(e.status ?? "") });
	return tellIfKnown(`event.${e.kind}`) ?? e.kind;
}

/** What it became, what it came of; a text with links where its {uids} are. */
function Lineage(props: { event: StructureEvent }) {
	const { from = [], to = [] } = props.event.lineage ?? {};
	const side = (key: "time.of" | "time.into", uids: readonly string[]) => {
		if (uids.length === 0) return null;
		const [before = "", after = ""] = tell(key, { uids: "\n" }).split("\n");
		return (
			<p class="uids">
				{before}
				{uids.map((u) => (
					<UidLink key={u} uid={u} />
				))}
				{after}
			</p>
		);
	};
	return (
		<>
			{side("time.of", from)}
			{side("time.into", to)}
		</>
	);
}

function OneChange(props: { change: Change }) {
	const { field, from, to } = props.change;
	const text = (v: unknown) => valueText("buildings", field, v) || tell("time.nothing");
	return (
		<li>
			{titleOf("buildings", field)}: {text(from)} → {text(to)}
		</li>
	);
}
