import type { Feature } from "geojson";
import { useEffect, useRef, useState } from "preact/hooks";
import { getSearch, isAbort } from "../api/client";
import { language, t } from "../i18n";
import { fitBox, flyTo, showWhole } from "../map/camera";
import { pointOf } from "../map/style-input";
import { signedIn } from "../state/me";
import { city, phone, session, update, view } from "../state/store";
import { parsePlace } from "../state/url";
import type { Language } from "../style/types";
import { openStructure } from "./close";
import { CategoryIcon, Icon } from "./icons";
import { Menu } from "./Menu";
import { IconButton } from "./parts";
import { collectionNamed, collectionOf, collectionTitle, coordinatesText, featureKind, featureName, idOf, uidOf } from "./text";

type Result =
	| { readonly kind: "feature"; readonly feature: Feature }
	| { readonly kind: "place"; readonly lon: number; readonly lat: number }
	/** A structure found by a number or, for those signed in, an address; `name` may be empty. */
	| { readonly kind: "structure"; readonly uid: string; readonly name: string; readonly wrong: boolean };

type State =
	| { readonly status: "idle" | "loading" | "error" }
	/** What was found for `q`, which may be older than what is in the box. */
	| { readonly status: "ready"; readonly q: string; readonly results: readonly Result[] };

const pause = 180;

/**
 * Structures that a text may mean. Who is not signed in sees no numbers but the
 * structure's own, so only what may be one is asked for.
 */
async function structures(q: string, lang: Language, signal: AbortSignal): Promise<readonly Result[]> {
	if (!/\d/.test(q) && !/^[a-z]{5}-?[a-z]{5}$/i.test(q)) return [];
	if (!signedIn.peek() && !/^[\da-z]{4,6}[- ]?[\da-z]{4,6}$/i.test(q)) return [];
	const { find } = await import("../structures/find");
	const answer = await find(q, lang, signedIn.peek(), signal);
	if (answer.wrong) return [{ kind: "structure", uid: q, name: "", wrong: true }];
	return answer.found.map((f) => ({ kind: "structure", uid: f.uid, name: f.name || f.address, wrong: false }));
}

/** The features that are not shown as structures already. */
function featuresBeside(found: readonly Result[], features: readonly Feature[]): readonly Result[] {
	const shown = new Set(found.map((r) => (r.kind === "structure" ? r.uid : "")));
	return features.filter((f) => !shown.has(uidOf(f) || "-")).map((feature) => ({ kind: "feature", feature }));
}

export function SearchCard() {
	const [text, setText] = useState(view.peek().query);
	const [state, setState] = useState<State>({ status: "idle" });
	const [active, setActive] = useState(-1);
	const [open, setOpen] = useState(false);
	// Enter before its results are there: the first of them is taken when they come.
	const [awaited, setAwaited] = useState("");
	const [turn, setTurn] = useState(0);
	const box = useRef<HTMLDivElement>(null);
	const input = useRef<HTMLInputElement>(null);
	const lang = language.value;
	const query = view.value.query;

	// "Back" changes the text as well.
	useEffect(() => setText(query), [query]);

	// Another reader does not see what was found for the one before.
	useEffect(() => setState({ status: "idle" }), [session.value]);

	useEffect(() => {
		const q = text.trim();
		setActive(-1);
		if (awaited !== q) setAwaited("");
		if (q === "" || !open) {
			setState({ status: "idle" });
			return;
		}
		const place = parsePlace(q);
		if (place) {
			setState({ status: "ready", q, results: [{ kind: "place", ...place }] });
			return;
		}
		const abort = new AbortController();
		setState((s) => (s.status === "ready" ? s : { status: "loading" }));
		const timer = setTimeout(() => {
			Promise.all([getSearch(q, lang, abort.signal), structures(q, lang, abort.signal)])
				.then(([page, found]) => setState({ status: "ready", q, results: [...found, ...featuresBeside(found, page.features)] }))
				.catch((e: unknown) => {
					if (!isAbort(e)) setState({ status: "error" });
				});
		}, pause);
		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	}, [text, lang, open, session.value, turn]);

	useEffect(() => {
		const outside = (e: Event) => {
			if (box.current && !box.current.contains(e.target as Node)) setOpen(false);
		};
		addEventListener("pointerdown", outside);
		addEventListener("focusin", outside);
		return () => {
			removeEventListener("pointerdown", outside);
			removeEventListener("focusin", outside);
		};
	}, []);

	const results = state.status === "ready" ? state.results : [];

	const fresh = state.status === "ready" && state.q === text.trim();

	const choose = (r: Result) => {
		setOpen(false);
		setAwaited("");
		input.current?.blur();
		if (r.kind === "structure") {
			setText("");
			update({ query: "" }, false);
			openStructure(r.uid);
			return;
		}
		if (r.kind === "place") {
			update({ here: { lon: r.lon, lat: r.lat }, selection: null, query: text });
			flyTo(r.lon, r.lat, 16);
			return;
		}
		const collection = collectionOf(r.feature);
		if (collection === "structures" && uidOf(r.feature)) {
			setText("");
			openStructure(uidOf(r.feature));
			return;
		}
		const at = pointOf(r.feature.geometry);
		if (collection === "" && at) {
			// A place that is no feature, such as a grid code that the server knows.
			update({ here: { lon: at[0], lat: at[1] }, selection: null, query: text });
			flyTo(at[0], at[1], 16);
			return;
		}
		setText(featureName(r.feature, collection));
		update({ selection: { collection, id: idOf(r.feature) }, here: null, query: "" });
		const box = r.feature.bbox;
		if (box?.length === 4) fitBox(box);
		else showWhole(r.feature.geometry);
	};

	useEffect(() => {
		if (!fresh || awaited === "") return;
		const first = results[0];
		if (first) choose(first);
		else setAwaited("");
	}, [fresh, awaited]);

	const onKeyDown = (e: KeyboardEvent) => {
		if (e.key === "ArrowDown" || e.key === "ArrowUp") {
			e.preventDefault();
			setOpen(true);
			if (results.length === 0) return;
			const step = e.key === "ArrowDown" ? 1 : -1;
			setActive((a) => (a + step + results.length + (a < 0 && step < 0 ? 1 : 0)) % results.length);
		} else if (e.key === "Enter") {
			// The keyboard of a script that is still being composed has its own Enter.
			if (e.isComposing) return;
			const r = active >= 0 || fresh ? results[Math.max(active, 0)] : undefined;
			if (r) choose(r);
			else if (!fresh && text.trim() !== "") {
				setOpen(true);
				setAwaited(text.trim());
				if (state.status === "error") setTurn((n) => n + 1);
			}
		} else if (e.key === "Escape") {
			if (!open || text === "") input.current?.blur();
			else if (open) setOpen(false);
			e.stopPropagation();
		}
	};

	const clear = () => {
		setText("");
		setState({ status: "idle" });
		update({ query: "" }, false);
		input.current?.focus();
	};

	const showList = open && text.trim() !== "";
	return (
		<div class="search" ref={box} role="search">
			<div class="search-bar card">
				<Menu />
				<input
					ref={input}
					id="search"
					type="text"
					enterkeyhint="search"
					role="combobox"
					autocomplete="off"
					spellcheck={false}
					placeholder={phone.value ? t("search.short") : t("search.placeholder")}
					aria-label={t("search.placeholder")}
					aria-expanded={showList}
					aria-controls="search-results"
					aria-activedescendant={active >= 0 ? `search-result-${active}` : undefined}
					aria-autocomplete="list"
					value={text}
					onInput={(e) => {
						setText(e.currentTarget.value);
						setOpen(true);
					}}
					onFocus={() => setOpen(true)}
					onKeyDown={onKeyDown}
				/>
				{text === "" ? (
					<span class="search-icon">
						<Icon name="search" />
					</span>
				) : (
					<IconButton icon="close" label={t("search.clear")} onClick={clear} />
				)}
			</div>
			{showList && (
				<div class="search-results card" aria-busy={!fresh && state.status !== "error"}>
					{(state.status === "loading" || (awaited !== "" && state.status !== "error")) && (
						<p class="search-note">{t("search.busy")}</p>
					)}
					{state.status === "error" && <p class="search-note">{t("search.failed")}</p>}
					{state.status === "ready" && results.length === 0 && (
						<p class="search-note">
							{t("search.none", { q: text.trim(), city: city.value?.title.en ? cityName() : t("search.thisCity") })}
						</p>
					)}
					<div id="search-results" role="listbox" aria-label={t("search.results")}>
						{results.map((r, i) => (
							<div
								key={
									r.kind === "place" ? "place" : r.kind === "structure" ? r.uid : `${collectionOf(r.feature)}/${idOf(r.feature)}`
								}
								id={`search-result-${i}`}
								role="option"
								tabIndex={-1}
								aria-selected={i === active}
								class={i === active ? "active" : ""}
								onPointerDown={(e) => e.preventDefault()}
								onClick={() => choose(r)}
								onKeyDown={onKeyDown}
							>
								<ResultRow result={r} />
							</div>
						))}
					</div>
				</div>
			)}
		</div>
	);
}

function cityName(): string {
	const title = city.value?.title ?? {};
	return title[language.value] ?? title.en ?? "";
}

function ResultRow(props: { result: Result }) {
	const r = props.result;
	if (r.kind === "place") {
		return (
			<>
				<Icon name="pin" />
				<span>
					<b>{coordinatesText(r.lon, r.lat)}</b>
					<small>{t("here.title")}</small>
				</span>
			</>
		);
	}
	if (r.kind === "structure") {
		return (
			<>
				<Icon name={r.wrong ? "alert" : "structure"} />
				<span>
					<b>{r.name || t("search.structure", { uid: r.uid })}</b>
					<small>{r.wrong ? t("search.wrongNumber") : r.name ? r.uid : t("card.structure")}</small>
				</span>
			</>
		);
	}
	const collection = collectionOf(r.feature);
	const p = r.feature.properties ?? {};
	const kind = featureKind(r.feature, collection);
	const ward = typeof p.ward === "string" && p.ward ? t("ward.name", { name: p.ward }) : "";
	const where = typeof p.address === "string" && p.address ? p.address : ward;
	return (
		<>
			{collection === "facilities" ? <CategoryIcon category={p.category} /> : <Icon name="pin" />}
			<span>
				<b>{featureName(r.feature, collection)}</b>
				<small>
					{[kind || (collectionNamed(collection) ? collectionTitle(collection) : ""), where].filter(Boolean).join(" · ")}
				</small>
			</span>
		</>
	);
}
