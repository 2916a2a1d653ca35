import type { Feature } from "geojson";
import { useEffect, useMemo, useState } from "preact/hooks";
import { getNext, getWithin, isAbort, kindOf, type Page } from "../api/client";
import { distanceBetween } from "../format/geodesy";
import { formatNumber } from "../format/numbers";
import { language, t } from "../i18n";
import { showWhole, theMap } from "../map/camera";
import { pointOf } from "../map/style-input";
import { layers } from "../state/layers";
import { refetch } from "../state/selection";
import { type Loadable, session, update, view } from "../state/store";
import { CategoryIcon, Icon } from "./icons";
import { Empty, Failure, Skeleton } from "./parts";
import { collectionTitle, distanceText, featureKind, featureName, idOf, openText } from "./text";

const pageSize = 100;

/** Everything on the map as a list: the equal of the map for eyes, ears and keys. */
export function ListPanel() {
	const available = layers.value.filter((l) => l.on);
	const [wanted, setWanted] = useState<string>("");
	const collection = available.some((l) => l.name === wanted) ? wanted : (available[0]?.name ?? "");
	const [filter, setFilter] = useState("");
	const [sort, setSort] = useState<"name" | "distance">("name");
	const box = useBox();
	const [pages, more] = usePages(collection, box);

	const c = view.value.camera;
	const rows = useMemo(() => {
		if (pages.status !== "ready") return [];
		const needle = fold(filter);
		const all = pages.value.features.map((f) => {
			const at = pointOf(f.geometry);
			return {
				feature: f,
				name: featureName(f, collection),
				kind: featureKind(f, collection),
				metres: at && c ? distanceBetween([c.lon, c.lat], at) : Number.POSITIVE_INFINITY,
			};
		});
		const kept = needle === "" ? all : all.filter((r) => fold(`${r.name} ${r.kind}`).includes(needle));
		const collator = new Intl.Collator(language.value, { numeric: true });
		return kept.sort((a, b) => (sort === "name" ? collator.compare(a.name, b.name) : a.metres - b.metres));
	}, [pages, filter, sort, collection, language.value, c?.lon, c?.lat]);

	if (available.length === 0) {
		return (
			<Empty>
				<Icon name="list" size={28} />
				<p>{t("list.noLayers")}</p>
			</Empty>
		);
	}
	return (
		<div class="list">
			<div class="list-tools">
				<label>
					<span class="label">{t("list.layer")}</span>
					<select value={collection} onChange={(e) => setWanted(e.currentTarget.value)}>
						{available.map((l) => (
							<option key={l.name} value={l.name}>
								{collectionTitle(l.name)}
							</option>
						))}
					</select>
				</label>
				<label>
					<span class="label">{t("list.sort")}</span>
					<select value={sort} onChange={(e) => setSort(e.currentTarget.value === "name" ? "name" : "distance")}>
						<option value="name">{t("list.byName")}</option>
						<option value="distance">{t("list.byDistance")}</option>
					</select>
				</label>
				<label class="wide">
					<span class="visually-hidden">{t("list.filter")}</span>
					<input type="search" placeholder={t("list.filter")} value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
				</label>
			</div>
			{pages.status === "loading" && <Skeleton lines={7} />}
			{pages.status === "error" && <Failure kind={pages.kind} />}
			{pages.status === "ready" && (
				<>
					<p class="muted" role="status">
						{t("list.count", { n: formatNumber(rows.length, language.value) })}
					</p>
					{rows.length === 0 && (
						<Empty>
							<Icon name="list" size={28} />
							<p>{t(filter === "" ? "list.none" : "list.noMatch")}</p>
						</Empty>
					)}
					<ul class="results">
						{rows.map((r) => (
							<li key={idOf(r.feature)}>
								<Row {...r} collection={collection} />
							</li>
						))}
					</ul>
					{more && (
						<button type="button" class="button wide" onClick={more}>
							{t("list.more")}
						</button>
					)}
				</>
			)}
		</div>
	);
}

function Row(props: { feature: Feature; name: string; kind: string; metres: number; collection: string }) {
	const { feature: f, collection } = props;
	const p = f.properties ?? {};
	const isFacility = collection === "facilities";
	return (
		<button
			type="button"
			class="result"
			aria-current={view.value.selection?.id === idOf(f) ? "true" : undefined}
			onClick={() => {
				update({ selection: { collection, id: idOf(f) }, here: null });
				showWhole(f.geometry);
			}}
		>
			{isFacility && <CategoryIcon category={p.category} size={24} />}
			<span class="result-text">
				<b>{props.name}</b>
				{props.kind !== props.name && <small>{isFacility ? `${props.kind} · ${openText(p.hours).text}` : props.kind}</small>}
			</span>
			{Number.isFinite(props.metres) && <small class="result-distance">{distanceText(props.metres)}</small>}
		</button>
	);
}

/** Case and diacritics do not matter when one filters. */
function fold(s: string): string {
	return s
		.normalize("NFKD")
		.replace(/[\u0300-\u036f]/g, "")
		.toLowerCase()
		.trim();
}

/** The map's window, settled: it changes a moment after the camera stops. */
function useBox(): readonly number[] | null {
	const [box, setBox] = useState<readonly number[] | null>(null);
	const c = view.value.camera;
	useEffect(() => {
		const timer = setTimeout(() => {
			const b = theMap()?.getBounds();
			if (b) setBox([b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]);
		}, 300);
		return () => clearTimeout(timer);
	}, [c?.lon, c?.lat, c?.zoom]);
	return box;
}

function usePages(collection: string, box: readonly number[] | null): [Loadable<Page>, (() => void) | null] {
	const [state, setState] = useState<Loadable<Page>>({ status: "loading" });
	const again = refetch.value;
	const reader = session.value;
	useEffect(() => setState({ status: "loading" }), [collection, reader]);
	useEffect(() => {
		if (!box || collection === "") return;
		const abort = new AbortController();
		getWithin(collection, box, pageSize, abort.signal)
			.then((value) => setState({ status: "ready", value }))
			.catch((e: unknown) => {
				if (!isAbort(e)) setState({ status: "error", kind: kindOf(e) });
			});
		return () => abort.abort();
	}, [collection, box?.join(), again, reader]);
	const page = state.status === "ready" ? state.value : null;
	const next = page?.links?.some((l) => l.rel === "next");
	if (!page || !next) return [state, null];
	return [
		state,
		() => {
			getNext(page)
				?.then((p) => setState({ status: "ready", value: { ...p, features: [...page.features, ...p.features] } }))
				.catch((e: unknown) => setState({ status: "error", kind: kindOf(e) }));
		},
	];
}
