import type { Feature } from "geojson";
import { useState } from "preact/hooks";
import type { DetailedFeature, Field, Version } from "../api/client";
import { areaOf, type LonLat, lengthOf } from "../format/geodesy";
import { formatDate } from "../format/numbers";
import { language, lookup, t } from "../i18n";
import { showWhole } from "../map/camera";
import { pointOf } from "../map/style-input";
import { me } from "../state/me";
import { hereResults, selected } from "../state/selection";
import { update, view } from "../state/store";
import { copy } from "../state/toasts";
import { emptyView, formatView, type Selection } from "../state/url";
import { closeCard, openStructure } from "./close";
import { CategoryIcon, Icon } from "./icons";
import { lazy } from "./lazy";
import { Empty, Failure, IconButton, OpenBadge, Skeleton } from "./parts";
import {
	areaText,
	collectionNamed,
	collectionOf,
	collectionTitle,
	coordinatesText,
	distanceText,
	featureKind,
	featureName,
	fieldTitle,
	fieldValue,
	idOf,
	openText,
	timeZone,
	uidOf,
} from "./text";

const editForm = lazy(async () => (await import("../access/cardwork")).EditForm);
const ownThings = lazy(async () => (await import("../editing")).OwnThings);
const purposeForm = lazy(async () => (await import("../access/cardwork")).PurposeForm);

/** The detail of what is selected, or what there is at a place. */
export function CardPanel() {
	const s = view.value.selection;
	if (s) return <FeatureCard selection={s} />;
	return view.value.here ? <HereCard lon={view.value.here.lon} lat={view.value.here.lat} /> : null;
}

function FeatureCard(props: { selection: Selection }) {
	const state = selected.value;
	const { collection } = props.selection;
	if (!state || state.status === "loading") {
		return (
			<>
				<Header title={t("state.loading")} />
				<Skeleton lines={6} />
			</>
		);
	}
	if (state.status === "error") {
		return (
			<>
				<Header title={collectionTitle(collection)} />
				<Failure kind={state.kind} />
			</>
		);
	}
	const f = state.value;
	const p = f.properties ?? {};
	const kind = featureKind(f, collection);
	const name = featureName(f, collection);
	const ward = typeof p.ward === "string" && p.ward ? t("ward.name", { name: p.ward }) : "";
	return (
		<>
			<Header title={name} category={collection === "facilities" ? p.category : undefined}>
				{[kind === name ? "" : kind, ward].filter(Boolean).join(" · ")}
			</Header>
			<CardBody key={`${collection}/${props.selection.id}`} feature={f} selection={props.selection} />
		</>
	);
}

/** What is being done in the card: fields changed, personal data asked for. */
function CardBody(props: { feature: DetailedFeature; selection: Selection }) {
	const { feature: f, selection } = props;
	const { collection } = selection;
	const [work, setWork] = useState<"edit" | "purpose" | null>(null);
	const close = () => setWork(null);
	const m = me.value;
	if (work === "edit") {
		return (
			<div class="card-body">
				<editForm.Panel feature={f} selection={selection} onClose={close} />
			</div>
		);
	}
	return (
		<div class="card-body">
			{collection === "facilities" && <Hours hours={f.properties?.hours} />}
			<Fields feature={f} collection={collection} />
			{work === "purpose" && <purposeForm.Panel onClose={close} />}
			{m?.personal && !m.purpose && work === null && (
				<button type="button" class="link-button" onClick={() => setWork("purpose")}>
					{t("card.personal")}
				</button>
			)}
			<Actions feature={f} selection={selection} onEdit={m?.may_write.includes(collection) ? () => setWork("edit") : null} />
			{m?.may_write.includes(collection) && <ownThings.Panel feature={f} collection={collection} />}
			<History versions={f.history} />
		</div>
	);
}

function Header(props: { title: string; category?: unknown; children?: string }) {
	return (
		<header class="card-header">
			{props.category !== undefined && <CategoryIcon category={props.category} size={36} />}
			<div>
				<h2 id="card-title" tabIndex={-1}>
					{props.title}
				</h2>
				{props.children && <p>{props.children}</p>}
			</div>
			<IconButton icon="close" label={t("card.close")} onClick={closeCard} />
		</header>
	);
}

function Hours(props: { hours: unknown }) {
	const open = openText(props.hours);
	return (
		<div class="hours">
			<OpenBadge open={open} />
			{typeof props.hours === "string" && props.hours !== "" && (
				<details>
					<summary>{t("card.hours")}</summary>
					<p>
						{props.hours.split(";").map((part) => (
							<span key={part}>{part.trim()}</span>
						))}
					</p>
					{open.holidays && <p class="muted">{t("open.holidays")}</p>}
				</details>
			)}
		</div>
	);
}

/** Shown elsewhere on the card, or of use to machines only. */
const notInTable = new Set([
	"name",
	"name_mr",
	"name_hi",
	"name_en",
	"hours",
	"category",
	"phone",
	"booking_url",
	"collection",
	"key",
]);

function Fields(props: { feature: Feature; collection: string }) {
	const { feature: f, collection } = props;
	const p = f.properties ?? {};
	const known = collectionNamed(collection)?.fields ?? [];
	const names = new Set(known.map((x) => x.name));
	const rest = Object.keys(p)
		.filter((n) => !names.has(n))
		.map((name): Field => ({ name, type: typeof p[name] === "number" ? "number" : "string" }));
	const rows = [...known, ...rest].flatMap((field) => {
		if (notInTable.has(field.name) || field.name.startsWith("_")) return [];
		// place_mr belongs to place: one row, in the reader's language.
		const base = field.name.replace(/_(mr|hi|en)$/, "");
		if (base !== field.name && (base in p || names.has(base))) return [];
		const localised = p[`${field.name}_${language.value}`] ?? p[field.name];
		const value = fieldValue(field, localised, collection);
		return value === null ? [] : [{ field, value }];
	});
	return (
		<dl class="fields">
			{typeof p.phone === "string" && p.phone !== "" && (
				<div>
					<dt>{t("card.phone")}</dt>
					<dd>
						<a href={`tel:${p.phone.replace(/[^+\d]/g, "")}`}>{p.phone}</a>
					</dd>
				</div>
			)}
			{rows.map(({ field, value }) => (
				<div key={field.name}>
					<dt>
						{fieldTitle(field)}
						<ClassTag name={field.class} />
					</dt>
					<dd>
						{value}
						{field.name === "uid" && (
							<IconButton class="small" icon="copy" label={t("card.copyUid")} onClick={() => void copy(value)} />
						)}
					</dd>
				</div>
			))}
			<Measures geometry={f.geometry} />
			{typeof p.booking_url === "string" && /^https?:/.test(p.booking_url) && (
				<div>
					<dt>{t("card.booking")}</dt>
					<dd>
						<a href={p.booking_url} target="_blank" rel="noopener noreferrer">
							{new URL(p.booking_url).host}
						</a>
					</dd>
				</div>
			)}
		</dl>
	);
}

/** Says of what is not for everybody that it is not. */
function ClassTag(props: { name: string | undefined }) {
	const title = props.name && props.name !== "public" ? lookup(`class.${props.name}`) : null;
	return title ? <span class="tag">{title}</span> : null;
}

/** Length or area of the very geometry. */
function Measures(props: { geometry: GeoJSON.Geometry | null }) {
	const g = props.geometry;
	if (!g) return null;
	const rings = (polygons: readonly (readonly (readonly GeoJSON.Position[])[])[]) =>
		polygons.reduce(
			(sum, p) => sum + p.reduce((s, ring, i) => s + (i === 0 ? 1 : -1) * areaOf(ring as unknown as LonLat[]), 0),
			0,
		);
	let row: readonly [string, string] | null = null;
	if (g.type === "Polygon") row = [t("card.area"), areaText(rings([g.coordinates]))];
	else if (g.type === "MultiPolygon") row = [t("card.area"), areaText(rings(g.coordinates))];
	else if (g.type === "LineString") row = [t("card.length"), distanceText(lengthOf(g.coordinates as unknown as LonLat[]))];
	else if (g.type === "MultiLineString") {
		const total = g.coordinates.reduce((s, l) => s + lengthOf(l as unknown as LonLat[]), 0);
		row = [t("card.length"), distanceText(total)];
	}
	if (!row) return null;
	return (
		<div>
			<dt>{row[0]}</dt>
			<dd>{row[1]}</dd>
		</div>
	);
}

/** The address of this feature alone, in the reader's language. */
export function permalink(s: Selection): string {
	return location.origin + location.pathname + formatView({ ...emptyView, language: language.peek(), selection: s });
}

function Actions(props: { feature: DetailedFeature; selection: Selection; onEdit: (() => void) | null }) {
	const at = pointOf(props.feature.geometry);
	const uid = uidOf(props.feature);
	return (
		<div class="actions">
			{props.onEdit && (
				<button type="button" class="action" onClick={props.onEdit}>
					<Icon name="edit" />
					{t("card.edit")}
				</button>
			)}
			{uid && (
				<button type="button" class="action everything" onClick={() => openStructure(uid)}>
					<Icon name="structure" />
					{t("card.structure")}
				</button>
			)}
			<button type="button" class="action" onClick={() => void copy(permalink(props.selection))}>
				<Icon name="link" />
				{t("card.copyLink")}
			</button>
			{at && (
				<button type="button" class="action" onClick={() => void copy(coordinatesText(at[0], at[1]))}>
					<Icon name="copy" />
					{t("card.copyPlace")}
				</button>
			)}
			<button type="button" class="action" onClick={() => showWhole(props.feature.geometry)}>
				<Icon name="zoom" />
				{t("card.zoom")}
			</button>
			{at && (
				<button
					type="button"
					class="action"
					onClick={() => update({ panel: "near", near: { category: "", lon: at[0], lat: at[1], me: false }, selection: null })}
				>
					<Icon name="near" />
					{t("card.near")}
				</button>
			)}
			<a class="permalink" href={permalink(props.selection)}>
				{t("card.permalink")}
			</a>
		</div>
	);
}

function History(props: { versions: readonly Version[] | undefined }) {
	const [all, setAll] = useState(false);
	const versions = props.versions ?? [];
	if (versions.length === 0) return null;
	const newest = [...versions].sort((a, b) => b.rev - a.rev);
	const shown = all ? newest : newest.slice(0, 3);
	return (
		<section class="history">
			<h3>{t("card.history")}</h3>
			<ol>
				{shown.map((v) => {
					const time = String(v.recorded ?? v.valid_from ?? "");
					return (
						<li key={String(v.rev)}>
							{time && <time dateTime={time}>{formatDate(time, language.value, timeZone())}</time>}
							<span class="muted">{t("card.revision", { rev: String(v.rev) })}</span>
						</li>
					);
				})}
			</ol>
			{!all && newest.length > 3 && (
				<button type="button" class="link-button" onClick={() => setAll(true)}>
					{t("card.moreHistory")}
				</button>
			)}
		</section>
	);
}

function HereCard(props: { lon: number; lat: number }) {
	const { lon, lat } = props;
	const state = hereResults.value;
	const place = coordinatesText(lon, lat);
	return (
		<>
			<Header title={t("here.title")}>{place}</Header>
			<div class="card-body">
				<div class="actions">
					<button type="button" class="action" onClick={() => void copy(place)}>
						<Icon name="copy" />
						{t("card.copyPlace")}
					</button>
					<button
						type="button"
						class="action"
						onClick={() => update({ panel: "near", near: { category: "", lon, lat, me: false }, here: null })}
					>
						<Icon name="near" />
						{t("card.near")}
					</button>
					<button type="button" class="action" onClick={() => void copy(location.href)}>
						<Icon name="link" />
						{t("card.copyLink")}
					</button>
				</div>
				{(!state || state.status === "loading") && <Skeleton lines={4} />}
				{state?.status === "error" && <Failure kind={state.kind} />}
				{state?.status === "ready" && state.value.length === 0 && (
					<Empty>
						<Icon name="pin" size={28} />
						<p>{t("here.nothing")}</p>
					</Empty>
				)}
				{state?.status === "ready" && (
					<ul class="results">
						{state.value
							.filter((f) => collectionOf(f) !== "land")
							.map((f) => (
								<li key={`${collectionOf(f)}/${idOf(f)}`}>
									<HereRow feature={f} />
								</li>
							))}
					</ul>
				)}
			</div>
		</>
	);
}

function HereRow(props: { feature: Feature }) {
	const f = props.feature;
	const collection = collectionOf(f);
	const name = featureName(f, collection);
	const title = collectionTitle(collection);
	return (
		<button type="button" class="result" onClick={() => update({ selection: { collection, id: idOf(f) }, here: null })}>
			{collection === "facilities" ? <CategoryIcon category={f.properties?.category} /> : <Icon name="pin" />}
			<span class="result-text">
				<b>{name}</b>
				<small>{title}</small>
			</span>
		</button>
	);
}
