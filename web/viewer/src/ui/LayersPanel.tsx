import { useState } from "preact/hooks";
import { categoryOf, knownCategories } from "../facilities/categories";
import { formatNumber } from "../format/numbers";
import { humanise, type Key, language, lookup, t, words } from "../i18n";
import { fitBox } from "../map/camera";
import { generatedLayers } from "../map/style-input";
import { type LayerEntry, layers, setOpacity, themes, toggleLayer } from "../state/layers";
import { collections, loadCollections, theme } from "../state/store";
import { mix } from "../style/buildings";
import { severities, severityColors } from "../style/findings";
import { palettes } from "../style/palette";
import { CategoryIcon, Icon } from "./icons";
import { Empty, Failure, IconButton, Skeleton } from "./parts";
import { categoryName, collectionTitle } from "./text";

export function LayersPanel() {
	const all = collections.value;
	if (all.status === "loading") return <Skeleton lines={8} />;
	if (all.status === "error") return <Failure kind={all.kind} retry={() => void loadCollections()} />;
	if (layers.value.length === 0) {
		return (
			<Empty>
				<Icon name="layers" size={28} />
				<p>{t("layers.none")}</p>
			</Empty>
		);
	}
	return (
		<div class="layers">
			{themes.map((group) => {
				const members = layers.value.filter((l) => l.theme === group);
				if (members.length === 0) return null;
				return (
					<section key={group} aria-labelledby={`theme-${group}`}>
						<h3 id={`theme-${group}`}>{t(`theme.${group}` as Key)}</h3>
						<ul>
							{members.map((l) => (
								<LayerRow key={l.name} layer={l} />
							))}
						</ul>
					</section>
				);
			})}
		</div>
	);
}

function LayerRow(props: { layer: LayerEntry }) {
	const l = props.layer;
	const [open, setOpen] = useState(false);
	const title = collectionTitle(l.name);
	const id = `layer-${l.name}`;
	return (
		<li class={`layer ${l.on ? "" : "off"}`}>
			<div class="layer-row">
				<Swatch layer={l} />
				<label for={id}>
					{title}
					{l.collection.count !== undefined && <small>{formatNumber(l.collection.count, language.value)}</small>}
				</label>
				<IconButton
					icon="chevron"
					class={`small ${open ? "turned" : ""}`}
					label={t("layers.more", { name: title })}
					expanded={open}
					onClick={() => setOpen(!open)}
				/>
				<input
					id={id}
					type="checkbox"
					role="switch"
					aria-checked={l.on}
					class="switch"
					checked={l.on}
					onChange={(e) => toggleLayer(l.name, e.currentTarget.checked)}
				/>
			</div>
			{open && <LayerDetails layer={l} title={title} />}
		</li>
	);
}

function LayerDetails(props: { layer: LayerEntry; title: string }) {
	const l = props.layer;
	const c = l.collection;
	const about = words(c.description);
	const percent = Math.round(l.opacity * 100);
	return (
		<div class="layer-details">
			<Legend layer={l} />
			<label class="opacity">
				<span>{t("layers.opacity")}</span>
				<input
					type="range"
					min={10}
					max={100}
					step={10}
					value={percent}
					aria-label={t("layers.opacityOf", { name: props.title })}
					aria-valuetext={`${percent} %`}
					onInput={(e) => setOpacity(l.name, Number(e.currentTarget.value) / 100)}
				/>
				<output>{percent} %</output>
			</label>
			{about && <p>{about}</p>}
			{(c.source || c.licence) && <p class="muted">{[c.source, c.licence].filter(Boolean).join(" · ")}</p>}
			{c.bbox?.length === 4 && (
				<button type="button" class="link-button" onClick={() => c.bbox && fitBox(c.bbox)}>
					{t("layers.zoom")}
				</button>
			)}
		</div>
	);
}

/** A small picture of how the layer is drawn. */
function Swatch(props: { layer: LayerEntry }) {
	const p = palettes[theme.value];
	const l = props.layer;
	if (l.name === "facilities") return <CategoryIcon category="hospital" size={22} />;
	const line = (color: string, dash = "", width = 3, casing?: string) => (
		<svg class="swatch" width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
			{casing && <path d="M2 16 20 6" stroke={casing} stroke-width={width + 2.5} stroke-linecap="round" />}
			<path d="M2 16 20 6" stroke={color} stroke-width={width} stroke-dasharray={dash} stroke-linecap={dash ? "butt" : "round"} />
		</svg>
	);
	const area = (fill: string, edge: string, dash = "") => (
		<svg class="swatch" width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
			<rect x="3" y="4" width="16" height="14" rx="3" fill={fill} stroke={edge} stroke-width="1.5" stroke-dasharray={dash} />
		</svg>
	);
	const dot = (fill: string) => (
		<svg class="swatch" width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
			<circle cx="11" cy="11" r="6" fill={fill} stroke={p.halo} stroke-width="1.5" />
		</svg>
	);
	switch (l.name) {
		case "wards":
			return area("none", p.ward, "4 2.5");
		case "prabhags":
			return area("none", p.prabhag, "1.5 2");
		case "buildings":
			return area(p.building, p.buildingEdge);
		case "roads":
			return line(p.road, "", 4, p.roadCasing);
		case "rail":
			return line(p.rail, "4 2", 3);
		case "greens":
			return area(p.park, p.forest);
		case "water":
			return area(p.water, p.coast);
		case "places":
			return <Icon name="pin" size={22} />;
		case "sensors":
			return dot(p.sensor);
		case "findings":
			return dot(severityColors.high);
		default:
			if (/line/i.test(l.collection.geometry)) return line(l.color);
			if (/point/i.test(l.collection.geometry)) return dot(l.color);
			return area(`${l.color}55`, l.color);
	}
}

/** The legend, in the list: what colours and shapes mean. */
function Legend(props: { layer: LayerEntry }) {
	const l = props.layer;
	const p = palettes[theme.value];
	const rows = (items: readonly (readonly [string, string])[]) => (
		<ul class="legend">
			{items.map(([color, text]) => (
				<li key={text}>
					<span class="legend-box" style={{ background: color }} />
					{text}
				</li>
			))}
		</ul>
	);
	switch (l.name) {
		case "facilities":
			return <CategoryLegend />;
		case "buildings":
			return (
				<div class="legend-ramp">
					<span
						style={{
							background: `linear-gradient(90deg, ${p.building}, ${p.building} 13%, ${mix(p.building, p.buildingTall, 0.55)} 40%, ${p.buildingTall})`,
						}}
					/>
					<div>
						<span>{t("legend.low")}</span>
						<span>{t("legend.tall")}</span>
					</div>
				</div>
			);
		case "roads":
			return rows([
				[p.motorway, t("legend.motorway")],
				[p.road, t("legend.road")],
				[p.path, t("legend.path")],
			]);
		case "greens":
			return rows([
				[p.park, t("legend.park")],
				[p.forest, t("legend.forest")],
			]);
		case "water":
			return rows([
				[p.sea, t("legend.creek")],
				[p.water, t("legend.lake")],
			]);
		case "findings":
			return rows(severities.map((s) => [severityColors[s], lookup(`v.findings.${s}`) ?? humanise(s)] as const));
		default: {
			const g = generatedLayers.value.find((x) => x.collection === l.name);
			if (!g?.categories) return null;
			return rows([
				...g.categories.values.map(([v, color]) => [color, lookup(`v.${v}`) ?? lookup(`cat.${v}`) ?? humanise(v)] as const),
				[g.color, t("legend.other")] as const,
			]);
		}
	}
}

/** One example of each icon and group would be too little: all categories, in columns. */
function CategoryLegend() {
	const shown = new Set<string>();
	const distinct = knownCategories.filter((c) => {
		const name = categoryName(c);
		const key = `${categoryOf(c).icon}/${categoryOf(c).group}`;
		if (shown.has(key) || shown.has(name)) return false;
		shown.add(key);
		shown.add(name);
		return true;
	});
	return (
		<ul class="legend legend-icons">
			{distinct.map((c) => (
				<li key={c}>
					<CategoryIcon category={c} size={20} />
					{categoryName(c)}
				</li>
			))}
		</ul>
	);
}
