import type { Feature } from "geojson";
import { useState } from "preact/hooks";
import { quickCategories } from "../facilities/categories";
import { walkMinutes } from "../format/numbers";
import { t } from "../i18n";
import { showWhole, theMap } from "../map/camera";
import { nearList } from "../state/selection";
import { seenFacilities, update, view } from "../state/store";
import { CategoryIcon, Icon } from "./icons";
import { nearMe } from "./locate";
import { Empty, Failure, OpenBadge, Skeleton } from "./parts";
import { categoryName, collectionNamed, coordinatesText, distanceText, featureName, idOf, openText } from "./text";

/** Chips of the same name (toilet, public_toilet) would be two buttons for one wish. */
function chips(): string[] {
	const seen = new Set<string>();
	return quickCategories.filter((c) => {
		const name = categoryName(c);
		if (seen.has(name)) return false;
		seen.add(name);
		return true;
	});
}

/** The origin for a new question: the one in use, else the device's, else the middle of the map. */
async function origin(): Promise<{ lon: number; lat: number; me: boolean } | null> {
	const n = view.peek().near;
	if (n) return n;
	const c = theMap()?.getCenter();
	return c ? { lon: c.lng, lat: c.lat, me: false } : null;
}

export function NearPanel() {
	const n = view.value.near;
	if (!collectionNamed("facilities")) {
		return (
			<Empty>
				<Icon name="near" size={28} />
				<p>{t("near.noFacilities")}</p>
			</Empty>
		);
	}
	const pickCategory = async (category: string) => {
		const from = await origin();
		if (from) update({ near: { category, lon: from.lon, lat: from.lat, me: from.me } });
	};
	return (
		<div class="near">
			<div class="near-from">
				<button type="button" class="button primary" onClick={() => void nearMe()}>
					<Icon name="locate" />
					{t("near.me")}
				</button>
				<button
					type="button"
					class="button"
					onClick={() => {
						const c = theMap()?.getCenter();
						if (c) update({ near: { category: n?.category ?? "", lon: c.lng, lat: c.lat, me: false } });
					}}
				>
					<Icon name="pin" />
					{t("near.centre")}
				</button>
			</div>
			<Chips chosen={n?.category ?? null} choose={(c) => void pickCategory(c)} />
			{n && (
				<p class="muted near-origin">
					{n.me ? t("near.fromMe") : t("near.from", { place: coordinatesText(n.lon, n.lat) })} {t("near.straight")}
				</p>
			)}
			{n ? <Results /> : <p class="hint">{t("near.hint")}</p>}
		</div>
	);
}

/** How many kinds are shown before "more". */
const fewChips = 7;

/** The kinds to choose from: those that the map has seen, once it has seen enough of them. */
function Chips(props: { chosen: string | null; choose: (category: string) => void }) {
	const [all, setAll] = useState(false);
	const seen = seenFacilities.value;
	const kinds = chips().filter((c) => seen.size < 8 || seen.has(c));
	const few = kinds.slice(0, fewChips);
	if (props.chosen && !few.includes(props.chosen) && kinds.includes(props.chosen)) few.push(props.chosen);
	return (
		<ul class="chips" aria-label={t("near.categories")}>
			{["", ...(all ? kinds : few)].map((c) => (
				<li key={c}>
					<button
						type="button"
						class="chip-button"
						aria-pressed={props.chosen === c}
						onClick={() => {
							setAll(false);
							props.choose(c);
						}}
					>
						{c !== "" && <CategoryIcon category={c} size={20} />}
						{categoryName(c)}
					</button>
				</li>
			))}
			{kinds.length > few.length && (
				<li>
					<button type="button" class="chip-button" aria-expanded={all} onClick={() => setAll(!all)}>
						<Icon name="chevron" size={18} />
						{t(all ? "near.fewer" : "near.more")}
					</button>
				</li>
			)}
		</ul>
	);
}

function Results() {
	const list = nearList.value;
	if (!list || list.status === "loading") return <Skeleton lines={6} />;
	if (list.status === "error") return <Failure kind={list.kind} />;
	if (list.value.length === 0) {
		return (
			<Empty>
				<Icon name="near" size={28} />
				<p>{t("near.none")}</p>
			</Empty>
		);
	}
	return (
		<ol class="results" id="near-results">
			{list.value.map((f, i) => (
				<NearRow key={idOf(f)} feature={f} rank={i + 1} />
			))}
		</ol>
	);
}

function NearRow(props: { feature: Feature; rank: number }) {
	const f = props.feature;
	const p = f.properties ?? {};
	const metres = Number(p.distance_m);
	return (
		<li>
			<button
				type="button"
				class="result"
				aria-current={view.value.selection?.id === idOf(f) ? "true" : undefined}
				onClick={() => {
					update({ selection: { collection: "facilities", id: idOf(f) }, here: null });
					showWhole(f.geometry);
				}}
			>
				<span class="rank">{props.rank}</span>
				<CategoryIcon category={p.category} />
				<span class="result-text">
					<b>{featureName(f, "facilities")}</b>
					<small>{categoryName(String(p.category ?? ""))}</small>
					<OpenBadge open={openText(p.hours)} />
				</span>
				{Number.isFinite(metres) && (
					<span class="result-distance">
						<b>{distanceText(metres)}</b>
						<small>{t("near.walk", { minutes: walkMinutes(metres) })}</small>
					</span>
				)}
			</button>
		</li>
	);
}
