// The register's read paths: GET /api/structures/...

import type { FeatureCollection, Geometry } from "geojson";
import { getJSON, getTagged, type Tagged, type Words } from "../api/client";

/** Where a value comes from. */
export interface Source {
	readonly collection: string;
	readonly id: string;
	readonly rev: number;
	/** True from then on (RFC 3339); absent: no known beginning. */
	readonly valid_from?: string;
}

export interface Fact extends Source {
	readonly name: string;
	readonly value: unknown;
	readonly unit?: string;
}

export interface Alias extends Omit<Source, "id"> {
	readonly id: string;
	readonly scheme: string;
	readonly value: string;
	/** By whom, or by what document. */
	readonly source?: string;
	readonly valid_to?: string;
}

export interface StructureEvent {
	readonly id: string;
	readonly kind: string;
	/** The day it happened, YYYY-MM-DD. */
	readonly date?: string;
	readonly status?: string;
	readonly actor?: string;
	readonly evidence?: string;
	readonly lineage?: { readonly from: readonly string[]; readonly to: readonly string[] };
	readonly undoes?: string;
	readonly undone_by?: string;
	readonly rev: number;
}

export interface Certificate extends Source {
	readonly title?: Words;
	readonly state: "valid" | "expiring" | "expired" | "not_yet";
	readonly issued?: string;
	readonly expires?: string;
}

export interface Row extends Source {
	readonly properties: Readonly<Record<string, unknown>>;
}

export interface RecordSet {
	readonly collection: string;
	readonly title?: Words;
	readonly count: number;
	/** The first of them. */
	readonly records: readonly Row[];
}

export interface Department {
	readonly department: string;
	readonly collections: readonly RecordSet[];
}

export interface Structure {
	readonly uid: string;
	readonly name?: string;
	readonly status: Source & { readonly value: string; readonly basis: "register" | "survey" };
	readonly rev: number;
	readonly successors?: readonly string[];
	readonly predecessors?: readonly string[];
	readonly geometry: Geometry | null;
	readonly facts: readonly Fact[];
	readonly aliases: readonly Alias[];
	/** DIGIPIN and Plus Code of where it stands. */
	readonly codes?: readonly { readonly scheme: string; readonly value: string }[];
	readonly units: {
		readonly count: number;
		readonly by_use?: Readonly<Record<string, number>>;
		readonly by_wing?: Readonly<Record<string, number>>;
		readonly floors?: number;
		readonly area_m2?: number;
	};
	readonly events: readonly StructureEvent[];
	readonly certificates: readonly Certificate[];
	readonly records: readonly Department[];
}

export interface PastVersion {
	readonly collection: string;
	readonly id: string;
	readonly rev: number;
	readonly recorded: string;
	readonly valid_from?: string;
	readonly valid_to?: string;
	readonly author?: string;
	readonly properties: Readonly<Record<string, unknown>>;
}

export interface Past {
	readonly events: readonly StructureEvent[];
	readonly versions: readonly PastVersion[];
}

interface RowPage {
	readonly records: readonly Row[];
	readonly next?: string;
}

/** A structure as it was at the end of a day of the city; "" for now. */
export function getStructure(uid: string, asof: string): Promise<Tagged<Structure>> {
	return getTagged(`${path(uid)}${asof ? `?asof=${asof}` : ""}`);
}

export function getPast(uid: string): Promise<Past> {
	return getJSON(`${path(uid)}/history`);
}

/** All units of a structure, page after page. */
export function getUnits(uid: string, asof: string): Promise<Row[]> {
	return allRows(`${path(uid)}/units?${new URLSearchParams({ limit: "500", ...(asof ? { asof } : {}) })}`);
}

/** All rows that one collection has about a structure. */
export function getRecords(uid: string, collection: string, asof: string): Promise<Row[]> {
	return allRows(`${path(uid)}/records?${new URLSearchParams({ collection, limit: "500", ...(asof ? { asof } : {}) })}`);
}

async function allRows(first: string): Promise<Row[]> {
	const rows: Row[] = [];
	let next: string | undefined = first;
	while (next) {
		const page: RowPage = await getJSON(next);
		rows.push(...page.records);
		const url: URL | null = page.next ? new URL(page.next, location.href) : null;
		next = url ? url.pathname + url.search : undefined;
	}
	return rows;
}

/** Structures that a question may mean, best first. */
export function resolve(by: "alias" | "address", text: string, lang: string, signal?: AbortSignal): Promise<FeatureCollection> {
	const q = new URLSearchParams({ [by]: text, limit: "6", ...(by === "address" ? { lang } : {}) });
	return getJSON(`/api/structures/resolve?${q}`, signal);
}

export function path(uid: string): string {
	return `/api/structures/${encodeURIComponent(uid)}`;
}
