// The whole view as a query string, so that a link opens what the sender saw.
//
//   ?at=13.50/19.07283/72.88261/45.0/60.0   zoom/lat/lon[/bearing/pitch]
//   &lang=mr&theme=dark&view=3d
//   &layers=prabhags,-rail,slum_clusters.60  what differs from the defaults
//   &sel=facilities/123  &here=19.07283,72.88261  &panel=near&near=hospital@19.0728,72.8826
//   &q=text
//   &page=accounts/ID  what lies over the map: sign-in, account, administration
//   &desk=findings/ID&where=state:open,ward:K%2FE  a department's desk: what is open of it, and its filter
//   &structure=7K3Q9-F2DXJ&asof=2025-01-31&than=2024-01-31  a structure's page, on a day, against another

import type { ThemeName } from "../style/palette";
import type { Language } from "../style/types";

export interface Camera {
	readonly zoom: number;
	readonly lat: number;
	readonly lon: number;
	readonly bearing: number;
	readonly pitch: number;
}

export interface LayerChoice {
	/** undefined: as the default has it. */
	readonly on?: boolean | undefined;
	/** 0..1 */
	readonly opacity?: number | undefined;
}

export interface Selection {
	readonly collection: string;
	readonly id: string;
}

export type Panel = "layers" | "near" | "list" | "measure" | "draw" | "help";

export type PageName = "signin" | "account" | "readers" | "accounts" | "tokens" | "policy" | "audit";

/** A page over the map. */
export interface Page {
	readonly name: PageName;
	/** What of it is open, such as one account; "" for none. */
	readonly item: string;
}

/** A structure's page. */
export interface StructureView {
	/** As it was written in the address; "" where one is still to be found. */
	readonly uid: string;
	/** YYYY-MM-DD in the city; "" for now. */
	readonly asof: string;
	/** Another day to compare with; null for none, "" for now. */
	readonly than: string | null;
}

export type DeskName = "findings" | "reviews";

/** A department's desk beside the map: findings, or records that wait for a decision. */
export interface DeskView {
	readonly name: DeskName;
	/** What of it is open; "" for the list. */
	readonly item: string;
	/** What the list is narrowed to, and how it is shown: lower-case names to values that are not "". */
	readonly where: Readonly<Record<string, string>>;
}

export interface Near {
	/** Category of facilities; "" for all of them. */
	readonly category: string;
	readonly lon: number;
	readonly lat: number;
	/** The origin is where the reader is (which a link does not repeat). */
	readonly me: boolean;
}

/** "What is here": a place that was asked about. */
export interface Here {
	readonly lon: number;
	readonly lat: number;
}

export interface ViewState {
	readonly camera: Camera | null;
	readonly language: Language | null;
	readonly theme: ThemeName | null;
	readonly threeD: boolean;
	readonly layers: Readonly<Record<string, LayerChoice>>;
	readonly selection: Selection | null;
	readonly here: Here | null;
	readonly panel: Panel | null;
	readonly near: Near | null;
	readonly query: string;
	readonly page: Page | null;
	readonly structure: StructureView | null;
	/** Lies under the structure's page, where both are open. */
	readonly desk: DeskView | null;
}

export const emptyView: ViewState = {
	camera: null,
	language: null,
	theme: null,
	threeD: false,
	layers: {},
	selection: null,
	here: null,
	panel: null,
	near: null,
	query: "",
	page: null,
	structure: null,
	desk: null,
};

const panels: readonly string[] = ["layers", "near", "list", "measure", "draw", "help"];
const pages: readonly string[] = ["signin", "account", "readers", "accounts", "tokens", "policy", "audit"];
const desks: readonly string[] = ["findings", "reviews"];
const languages: readonly string[] = ["en", "mr", "hi"];

/** Reads a query string; what is malformed is ignored, never an error. */
export function parseView(search: string): ViewState {
	const p = new URLSearchParams(search);
	const lang = p.get("lang");
	const theme = p.get("theme");
	const panel = p.get("panel");
	const structure = parseStructure(p);
	return {
		camera: parseCamera(p.get("at")),
		language: lang && languages.includes(lang) ? (lang as Language) : null,
		theme: theme === "light" || theme === "dark" ? theme : null,
		threeD: p.get("view") === "3d",
		layers: parseLayers(p.get("layers")),
		// Of what is open on the right there is one: the page comes before the card.
		selection: structure ? null : parseSelection(p.get("sel")),
		here: structure ? null : parsePlace(p.get("here")),
		panel: panel && panels.includes(panel) ? (panel as Panel) : null,
		near: parseNear(p.get("near")),
		query: (p.get("q") ?? "").slice(0, 200),
		page: parsePage(p.get("page")),
		structure,
		desk: parseDesk(p),
	};
}

/** Writes the query string ("" or "?..."), in a fixed order, readable. */
export function formatView(v: ViewState): string {
	const out: string[] = [];
	const add = (k: string, value: string) => out.push(`${k}=${encode(value)}`);
	if (v.camera) add("at", formatCamera(v.camera));
	if (v.language) add("lang", v.language);
	if (v.theme) add("theme", v.theme);
	if (v.threeD) add("view", "3d");
	const layers = formatLayers(v.layers);
	if (layers) add("layers", layers);
	if (v.selection) add("sel", `${v.selection.collection}/${v.selection.id}`);
	if (v.here) add("here", formatPlace(v.here));
	if (v.panel) add("panel", v.panel);
	if (v.near) add("near", `${v.near.category}@${formatPlace(v.near)}`);
	if (v.structure) {
		add("structure", v.structure.uid);
		if (v.structure.asof) add("asof", v.structure.asof);
		if (v.structure.than !== null) add("than", v.structure.than || "now");
	}
	if (v.desk) {
		add("desk", v.desk.item ? `${v.desk.name}/${v.desk.item}` : v.desk.name);
		const where = formatWhere(v.desk.where);
		if (where) add("where", where);
	}
	if (v.query) add("q", v.query);
	if (v.page) add("page", v.page.item ? `${v.page.name}/${v.page.item}` : v.page.name);
	return out.length > 0 ? `?${out.join("&")}` : "";
}

/** Keeps / , @ : readable, which a query may hold unescaped (RFC 3986, 3.4). */
function encode(s: string): string {
	return encodeURIComponent(s).replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%40/g, "@").replace(/%3A/g, ":");
}

function parseCamera(s: string | null): Camera | null {
	if (!s) return null;
	const n = s.split("/").map(Number);
	const [zoom = Number.NaN, lat = Number.NaN, lon = Number.NaN, bearing = 0, pitch = 0] = n;
	const fine = n.length >= 3 && [zoom, lat, lon, bearing, pitch].every(Number.isFinite);
	if (!fine || zoom < 0 || zoom > 24 || Math.abs(lat) > 85.06 || Math.abs(lon) > 180) return null;
	return { zoom, lat, lon, bearing, pitch: Math.min(Math.max(pitch, 0), 75) };
}

function formatCamera(c: Camera): string {
	const tail = c.bearing !== 0 || c.pitch !== 0 ? `/${round(c.bearing, 1)}/${round(c.pitch, 1)}` : "";
	return `${round(c.zoom, 2)}/${round(c.lat, 5)}/${round(c.lon, 5)}${tail}`;
}

function round(v: number, digits: number): string {
	return String(Number(v.toFixed(digits)));
}

function parseLayers(s: string | null): Record<string, LayerChoice> {
	const out: Record<string, LayerChoice> = {};
	for (const part of (s ?? "").split(",")) {
		const m = /^(-|~)?([\p{L}\p{N}_-]+?)(?:\.(\d{1,3}))?$/u.exec(part);
		if (!m?.[2]) continue;
		const opacity = m[3] === undefined ? undefined : Math.min(Number(m[3]), 100) / 100;
		// "~name.60" changes the opacity only; "name" turns on; "-name" off.
		out[m[2]] = { on: m[1] === "~" ? undefined : m[1] !== "-", opacity };
	}
	return out;
}

function formatLayers(layers: Readonly<Record<string, LayerChoice>>): string {
	return Object.entries(layers)
		.filter(([, l]) => l.on !== undefined || l.opacity !== undefined)
		.map(([name, l]) => {
			const sign = l.on === undefined ? "~" : l.on ? "" : "-";
			return `${sign}${name}${l.opacity === undefined ? "" : `.${Math.round(l.opacity * 100)}`}`;
		})
		.sort()
		.join(",");
}

function parseSelection(s: string | null): Selection | null {
	const i = s?.indexOf("/") ?? -1;
	if (!s || i < 1 || i === s.length - 1) return null;
	return { collection: s.slice(0, i), id: s.slice(i + 1) };
}

function parseStructure(p: URLSearchParams): StructureView | null {
	const uid = p.get("structure");
	if (uid === null) return null;
	const than = p.get("than");
	return { uid: uid.trim().slice(0, 60), asof: parseDay(p.get("asof")), than: than === "now" ? "" : parseDay(than) || null };
}

function parseDesk(p: URLSearchParams): DeskView | null {
	const [name = "", ...item] = (p.get("desk") ?? "").split("/");
	if (!desks.includes(name)) return null;
	return { name: name as DeskName, item: item.join("/").slice(0, 500), where: parseWhere(p.get("where")) };
}

function parseWhere(s: string | null): Record<string, string> {
	const out: Record<string, string> = {};
	for (const part of (s ?? "").slice(0, 2000).split(",")) {
		const m = /^([a-z]+):(.+)$/.exec(part);
		if (m?.[1] && m[2]) out[m[1]] = m[2].replace(/~c/g, ",").replace(/~t/g, "~");
	}
	return out;
}

/** "ward:K/E,state:open"; a comma in a value is ~c there, and ~ is ~t. */
function formatWhere(where: Readonly<Record<string, string>>): string {
	return Object.entries(where)
		.filter(([, v]) => v !== "")
		.map(([k, v]) => `${k}:${v.replace(/~/g, "~t").replace(/,/g, "~c")}`)
		.sort()
		.join(",");
}

/** A day as YYYY-MM-DD, "" for what is none. */
export function parseDay(s: string | null): string {
	if (!s || !/^\d{4}-\d{2}-\d{2}$/.test(s)) return "";
	const t = new Date(`${s}T00:00:00Z`);
	return !Number.isNaN(t.getTime()) && t.toISOString().startsWith(s) && s >= "0001-01-01" ? s : "";
}

function parsePage(s: string | null): Page | null {
	const [name = "", ...item] = (s ?? "").split("/");
	return pages.includes(name) ? { name: name as PageName, item: item.join("/").slice(0, 500) } : null;
}

function parseNear(s: string | null): Near | null {
	const i = s?.lastIndexOf("@") ?? -1;
	if (!s || i < 0) return null;
	const place = parsePlace(s.slice(i + 1));
	return place ? { category: s.slice(0, i), ...place, me: false } : null;
}

/** "lat,lon" in degrees, as people write it. */
export function parsePlace(s: string | null): Here | null {
	const m = /^\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(s ?? "");
	if (!m) return null;
	const lat = Number(m[1]);
	const lon = Number(m[2]);
	return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lon, lat } : null;
}

function formatPlace(p: Here): string {
	return `${p.lat.toFixed(5)},${p.lon.toFixed(5)}`;
}
