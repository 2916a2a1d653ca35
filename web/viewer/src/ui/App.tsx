import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Key, language, t, words } from "../i18n";
import { city, collections, loadCollections, mapFailed, measurePoints, phone, theme, update, view } from "../state/store";
import type { PageName, Panel } from "../state/url";
import { Banner, MapButtons, Progress, StatusBar, TopRight } from "./Corner";
import { closeCard } from "./close";
import { Icon, type IconName } from "./icons";
import { lazy } from "./lazy";
import { nearMe } from "./locate";
import { Notices } from "./Notices";
import { Failure, IconButton } from "./parts";
import { PurposeChip } from "./Reader";
import { SearchCard } from "./SearchCard";
import { Sheet } from "./Sheet";

const card = lazy(async () => (await import("./panels")).CardPanel);
const layersPanel = lazy(async () => (await import("./panels")).LayersPanel);
const nearPanel = lazy(async () => (await import("./panels")).NearPanel);
const listPanel = lazy(async () => (await import("./panels")).ListPanel);
const measurePanel = lazy(async () => (await import("./panels")).MeasurePanel);
const helpPanel = lazy(async () => (await import("./panels")).HelpPanel);

/** Fetches all panels, so that they open at once, and also offline. */
export function fetchPanels(): void {
	for (const p of [card, layersPanel, nearPanel, listPanel, measurePanel, helpPanel]) void p.load();
}

// Each in a file of its own: most readers never open one.
const signIn = lazy(async () => (await import("../access/SignIn")).SignIn);
const structure = lazy(async () => (await import("../structures")).StructurePanel);
const desk = lazy(async () => (await import("../desk")).DeskPanel);
const drawPanel = lazy(async () => (await import("../editing")).DrawPanel);
const ownPage = lazy(async () => (await import("../access/own")).OwnPage);
const adminPage = lazy(async () => (await import("../access/admin")).AdminPage);

function Page(props: { name: PageName }) {
	switch (props.name) {
		case "signin":
			return <signIn.Panel />;
		case "account":
		case "readers":
			return <ownPage.Panel />;
		default:
			return <adminPage.Panel />;
	}
}

const panelTitles: Readonly<Record<Panel, Key>> = {
	layers: "panel.layers",
	near: "panel.near",
	list: "panel.list",
	measure: "panel.measure",
	draw: "panel.draw",
	help: "panel.help",
};

const tabs: readonly (readonly [Panel, IconName])[] = [
	["layers", "layers"],
	["near", "near"],
	["list", "list"],
];

function Tabs(props: { current: Panel | null }) {
	return (
		<nav class="tabs" aria-label={t("panel.tabs")}>
			{tabs.map(([p, icon]) => (
				<button
					type="button"
					key={p}
					aria-pressed={props.current === p}
					onClick={() =>
						update({
							panel: props.current === p && !phone.value ? null : p,
							...(phone.value ? { selection: null, here: null } : {}),
						})
					}
				>
					<Icon name={icon} size={20} />
					{t(panelTitles[p])}
				</button>
			))}
		</nav>
	);
}

function PanelBody(props: { panel: Panel }) {
	switch (props.panel) {
		case "layers":
			return <layersPanel.Panel />;
		case "near":
			return <nearPanel.Panel />;
		case "list":
			return <listPanel.Panel />;
		case "measure":
			return <measurePanel.Panel />;
		case "draw":
			return <drawPanel.Panel />;
		case "help":
			return <helpPanel.Panel />;
	}
}

function PanelFrame(props: { panel: Panel; children: ComponentChildren }) {
	return (
		<section class="panel card" aria-labelledby="panel-title">
			<header class="panel-header">
				<h2 id="panel-title">{t(panelTitles[props.panel])}</h2>
				<IconButton icon="close" label={t("panel.close")} onClick={() => update({ panel: null })} />
			</header>
			<div class="panel-body">{props.children}</div>
		</section>
	);
}

function Desktop() {
	const panel = view.value.panel;
	const open = view.value.selection || view.value.here;
	const page = view.value.structure;
	const work = view.value.desk;
	return (
		<>
			<div class="left">
				<SearchCard />
				<Tabs current={panel} />
				{panel && (
					<PanelFrame panel={panel}>
						<PanelBody panel={panel} />
					</PanelFrame>
				)}
			</div>
			<TopRight />
			{page ? <structure.Panel /> : work && <desk.Panel />}
			{open && !page && !work && (
				<section class="detail card" aria-labelledby="card-title">
					<card.Panel />
				</section>
			)}
		</>
	);
}

function Phone() {
	const v = view.value;
	const panel = v.panel ?? "layers";
	const page = v.structure;
	const work = v.desk;
	const open = Boolean(v.selection || v.here || page || work);
	return (
		<>
			<div class="left">
				<SearchCard />
			</div>
			<Sheet
				content={
					page
						? `structure:${page.uid}`
						: work
							? `desk:${work.name}/${work.item}`
							: open
								? `card:${v.selection?.collection}/${v.selection?.id}/${v.here?.lon}`
								: v.panel
									? `panel:${v.panel}`
									: ""
				}
				head={open ? null : <Tabs current={v.panel} />}
			>
				{page ? (
					<structure.Panel />
				) : work ? (
					<desk.Panel />
				) : open ? (
					<section class="detail" aria-labelledby="card-title">
						<card.Panel />
					</section>
				) : (
					<section class="panel" aria-label={t(panelTitles[panel])}>
						{(panel === "measure" || panel === "draw" || panel === "help") && (
							<header class="panel-header">
								<h2>{t(panelTitles[panel])}</h2>
								<IconButton icon="close" label={t("panel.close")} onClick={() => update({ panel: null })} />
							</header>
						)}
						<div class="panel-body">
							<PanelBody panel={panel} />
						</div>
					</section>
				)}
			</Sheet>
			<button type="button" class="near-me" aria-label={t("near.me")} onClick={() => void nearMe()}>
				<Icon name="near" size={26} />
			</button>
		</>
	);
}

/** Esc steps back: the card, then the panel, then the measurement. */
function useKeys(): void {
	useEffect(() => {
		const onKey = (e: KeyboardEvent) => {
			const typing =
				e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement || e.target instanceof HTMLTextAreaElement;
			const v = view.peek();
			// A page over the map has its own keys.
			if (v.page) return;
			if (e.key === "Escape" && !e.defaultPrevented) {
				if (v.structure || v.selection || v.here) closeCard();
				else if (v.desk) update({ desk: v.desk.item ? { ...v.desk, item: "" } : null });
				else if (v.panel === "measure" && measurePoints.peek().length > 0) measurePoints.value = [];
				else if (v.panel) update({ panel: null });
				else return;
				e.preventDefault();
			} else if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) {
				e.preventDefault();
				document.getElementById("search")?.focus();
			}
		};
		addEventListener("keydown", onKey);
		return () => removeEventListener("keydown", onKey);
	}, []);
}

export function App(props: { startMap: (container: HTMLElement) => void }) {
	const container = useRef<HTMLDivElement>(null);
	const [focused, setFocused] = useState(false);
	useKeys();
	useEffect(() => {
		if (container.current) props.startMap(container.current);
	}, []);
	useEffect(() => {
		document.documentElement.lang = language.value;
		document.documentElement.dataset.theme = theme.value;
		const name = words(city.value?.title);
		document.title = name ? t("page.titleOf", { city: name }) : t("page.title");
	}, [language.value, theme.value, city.value]);
	const all = collections.value;
	return (
		<div
			class={`app${phone.value ? " phone" : ""}${view.value.structure ? " with-structure" : view.value.desk ? " with-structure with-desk" : ""}`}
		>
			<a class="skip" href="#search">
				{t("page.skip")}
			</a>
			<h1 class="visually-hidden">{document.title}</h1>
			<main aria-label={t("map.region")}>
				{/* biome-ignore lint/a11y/noStaticElementInteractions: the canvas inside is what has the focus; this only notes how it was reached */}
				<div
					ref={container}
					id="map"
					class={focused ? "keyboard" : ""}
					onKeyUp={() => setFocused(true)}
					onPointerDown={() => setFocused(false)}
					onFocusOut={() => setFocused(false)}
				/>
				<span class="crosshair" aria-hidden="true" />
				<Progress />
				{mapFailed.value && (
					<div class="map-failed card" role="alert">
						<Icon name="alert" size={28} />
						<p>{t("error.webgl")}</p>
						<button type="button" class="button primary" onClick={() => update({ panel: "list" })}>
							{t("panel.list")}
						</button>
					</div>
				)}
				{all.status === "error" && (
					<div class="map-failed card">
						<Failure kind={all.kind} retry={() => void loadCollections()} />
					</div>
				)}
				{all.status === "ready" && all.value.length === 0 && (
					<div class="map-failed card">
						<Icon name="layers" size={28} />
						<p>{t("layers.none")}</p>
					</div>
				)}
				<MapButtons />
				<StatusBar />
			</main>
			{phone.value ? <Phone /> : <Desktop />}
			<div class="banners">
				<PurposeChip />
				<Banner />
			</div>
			{/* A page lies above everything, so it shows the notices itself. */}
			{view.value.page ? <Page name={view.value.page.name} /> : <Notices />}
		</div>
	);
}
