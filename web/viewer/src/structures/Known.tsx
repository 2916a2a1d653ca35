// What is known of a structure: facts, certificates, units, other numbers.

import { useState } from "preact/hooks";
import { Loaded, useLoaded } from "../access/load";
import { session } from "../state/store";
import { copy } from "../state/toasts";
import { Icon, type IconName } from "../ui/icons";
import { IconButton } from "../ui/parts";
import { areaText, collectionTitle } from "../ui/text";
import { type Certificate, type Fact, getUnits, type Past, type Row, type Source, type Structure } from "./api";
import { byFloor, byWing } from "./floors";
import { groundArea } from "./outline";
import { Drawing, Part } from "./parts";
import { dayText, floorText, numberText, schemeText, titleOf, valueText } from "./text";
import { recordedTimes } from "./timeline";
import { tell } from "./words";

/** Told in the head of the page, or of use to machines only. */
const notListed = new Set(["uid", "name", "ward", "address", "status", "source_id"]);
/** Told large, in this order. */
const large = ["height_m", "floors", "year"];

export function Facts(props: { structure: Structure; past: Past | null }) {
	const { structure: s, past } = props;
	const [sources, setSources] = useState(false);
	const facts = s.facts.filter((f) => !notListed.has(f.name) && valueText(f.collection, f.name, f.value, f.unit) !== "");
	const area = groundArea(s.geometry);
	const main = large.flatMap((name) => facts.find((f) => f.name === name) ?? []);
	const rest = facts.filter((f) => !large.includes(f.name));
	const from = (source: Source) => (sources ? <From source={source} past={past} /> : null);
	return (
		<Part name="facts" title={tell("facts.title")}>
			{facts.length === 0 && area === 0 && <p class="empty">{tell("facts.none")}</p>}
			<div class="facts-top">
				<dl class="tiles">
					{main.map((f) => (
						<div key={f.name}>
							<dt>{titleOf(f.collection, f.name)}</dt>
							<dd>
								{factText(f)}
								{from(f)}
							</dd>
						</div>
					))}
					{area > 0 && (
						<div>
							<dt>{tell("facts.area")}</dt>
							<dd>
								{areaText(area)}
								{sources && <small>{tell("facts.measured")}</small>}
							</dd>
						</div>
					)}
				</dl>
				<Drawing geometries={[s.geometry]} />
			</div>
			<dl class="fields">
				{rest.map((f) => (
					<div key={f.name}>
						<dt>{titleOf(f.collection, f.name)}</dt>
						<dd>
							{factText(f)}
							{from(f)}
						</dd>
					</div>
				))}
			</dl>
			{s.status.basis === "survey" && <p class="muted">{tell("status.survey")}</p>}
			{(facts.length > 0 || area > 0) && (
				<button type="button" class="link-button" aria-pressed={sources} onClick={() => setSources(!sources)}>
					{tell("facts.sources")}
				</button>
			)}
		</Part>
	);
}

function factText(f: Fact): string {
	return valueText(f.collection, f.name, f.value, f.unit);
}

/** Which collection says so, since when, and when it was recorded. */
function From(props: { source: Source; past: Past | null }) {
	const { source: s, past } = props;
	const recorded = past && recordedTimes(past).get(`${s.collection}/${s.id}/${s.rev}`);
	const parts = [
		collectionTitle(s.collection),
		s.valid_from ? tell("facts.since", { day: dayText(s.valid_from) }) : "",
		recorded ? tell("facts.recorded", { day: dayText(recorded) }) : tell("facts.revision", { rev: s.rev }),
	];
	return <small>{parts.filter(Boolean).join(", ")}</small>;
}

const order: readonly Certificate["state"][] = ["expired", "expiring", "not_yet", "valid"];
const marks: Readonly<Record<Certificate["state"], IconName>> = {
	expired: "alert",
	expiring: "clock",
	not_yet: "clock",
	valid: "check",
};

/** Certificates, what needs somebody's attention first. */
export function sortedCertificates(s: Structure): readonly Certificate[] {
	return [...s.certificates].sort(
		(a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.expires ?? "").localeCompare(b.expires ?? ""),
	);
}

export function Certificates(props: { structure: Structure }) {
	const all = sortedCertificates(props.structure);
	return (
		<Part name="certificates" title={tell("cert.title")} count={all.length}>
			{all.length === 0 && <p class="empty">{tell("cert.none")}</p>}
			<ul class="certificates">
				{all.map((c) => (
					<li key={`${c.collection}/${c.id}`}>
						<span>{collectionTitle(c.collection)}</span>
						<CertificateState certificate={c} />
					</li>
				))}
			</ul>
		</Part>
	);
}

/** Its state as a colour, a mark and a word, with the day that matters. */
export function CertificateState(props: { certificate: Certificate }) {
	const c = props.certificate;
	return (
		<span class="certificate">
			<span class={`state-chip state-${c.state}`}>
				<Icon name={marks[c.state]} size={16} />
				{tell(`cert.${c.state}`)}
			</span>
			<small>{certificateDay(c)}</small>
		</span>
	);
}

function certificateDay(c: Certificate): string {
	if (c.state === "not_yet" && c.issued) return tell("cert.starts", { day: dayText(c.issued) });
	if (!c.expires) return tell("cert.forever");
	return tell(c.state === "expired" ? "cert.ended" : "cert.until", { day: dayText(c.expires) });
}

export function Units(props: { structure: Structure; asof: string }) {
	const { structure: s, asof } = props;
	const [open, setOpen] = useState(false);
	const { count, floors = 0, area_m2: area = 0, by_use: uses = {}, by_wing: wings = {} } = s.units;
	const summary = [
		Object.keys(wings).length > 1 ? tell("units.wings", { n: numberText(Object.keys(wings).length) }) : "",
		floors > 0 ? tell("units.floors", { n: numberText(floors) }) : "",
		area > 0 ? areaText(area) : "",
		...Object.entries(uses)
			.sort((a, b) => b[1] - a[1])
			.map(([use, n]) => `${valueText("units", "use", use)} ${numberText(n)}`),
	];
	return (
		<Part name="units" title={tell("units.title")} count={count}>
			{count === 0 ? <p class="empty">{tell("units.none")}</p> : <p>{summary.filter(Boolean).join(" · ")}</p>}
			{count > 0 && !open && (
				<button type="button" class="link-button" onClick={() => setOpen(true)}>
					{tell("units.show", { n: numberText(count) })}
				</button>
			)}
			{open && count > 0 && <UnitList uid={s.uid} asof={asof} />}
		</Part>
	);
}

function UnitList(props: { uid: string; asof: string }) {
	const { uid, asof } = props;
	const [state, again] = useLoaded(() => getUnits(uid, asof), `${session.value}/${uid}/${asof}`);
	return (
		<Loaded state={state} again={again}>
			{(rows) => (
				<>
					{byWing(rows).map(([wing, inWing]) => (
						<section class="floors" key={wing}>
							{wing !== "" && <h3>{tell("units.wing", { wing })}</h3>}
							{byFloor(inWing).map(([floor, units]) => (
								<div key={floor}>
									<h4>{floorText(floor)}</h4>
									<ul>
										{units.map((u) => (
											<li key={u.id}>
												<b>{String(u.properties.unit ?? u.id)}</b>
												<span>{unitText(u)}</span>
											</li>
										))}
									</ul>
								</div>
							))}
						</section>
					))}
				</>
			)}
		</Loaded>
	);
}

function unitText(u: Row): string {
	return ["use", "area_m2", "occupier"]
		.map((name) => valueText("units", name, u.properties[name] ?? null))
		.filter(Boolean)
		.join(" · ");
}

export function Aliases(props: { structure: Structure }) {
	const given = [...props.structure.aliases].sort((a, b) => a.scheme.localeCompare(b.scheme));
	const codes = (props.structure.codes ?? []).map((c) => ({
		...c,
		id: c.scheme,
		source: tell("aliases.place"),
		valid_to: undefined,
	}));
	const all = [...given, ...codes];
	return (
		<Part name="aliases" title={tell("aliases.title")} count={all.length}>
			{all.length === 0 && <p class="empty">{tell("aliases.none")}</p>}
			<dl class="fields">
				{all.map((a) => (
					<div key={a.id}>
						<dt>{schemeText(a.scheme)}</dt>
						<dd>
							{a.value}
							<IconButton
								class="small"
								icon="copy"
								label={tell("aliases.copy", { what: schemeText(a.scheme) })}
								onClick={() => void copy(a.value)}
							/>
							<small>
								{[a.source ?? "", a.valid_to ? tell("aliases.until", { day: dayText(a.valid_to) }) : ""]
									.filter(Boolean)
									.join(", ")}
							</small>
						</dd>
					</div>
				))}
			</dl>
		</Part>
	);
}
