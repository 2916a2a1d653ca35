// The server's read paths as typed functions. Every failure is an ApiError
// whose `kind` the interface can explain; nothing here shows anything.

import type { Feature, FeatureCollection } from "geojson";
import type { Language } from "../style/types";

export type Words = Readonly<Record<string, string>>;

export interface Field {
	readonly name: string;
	readonly type: string;
	readonly unit?: string;
	readonly title?: Words;
	readonly meaning?: Words;
	readonly class?: string;
}

export interface Collection {
	readonly name: string;
	readonly title?: Words;
	readonly description?: Words;
	readonly owner?: string;
	readonly licence?: string;
	readonly source?: string;
	readonly geometry: string;
	readonly fields: readonly Field[];
	readonly count?: number;
	readonly bbox?: readonly [number, number, number, number];
}

export interface City {
	readonly name: string;
	readonly title: Words;
	readonly bounds: readonly [number, number, number, number] | null;
	readonly center: readonly [number, number] | null;
	readonly zoom: number | null;
	readonly timeZone: string;
	readonly synthetic: boolean;
}

export interface Version {
	readonly rev: number;
	/** When it was recorded, and when it was true in the city (RFC 3339). */
	readonly recorded?: string;
	readonly valid_from?: string;
	readonly valid_to?: string;
}

export type ApiErrorKind = "offline" | "notFound" | "forbidden" | "badRequest" | "server";

export class ApiError extends Error {
	constructor(
		readonly kind: ApiErrorKind,
		/** The problem's own words, in English, for those who report it. */
		readonly detail: string,
	) {
		super(detail || kind);
	}
}

async function getJSON<T>(path: string, signal?: AbortSignal): Promise<T> {
	let res: Response;
	try {
		res = await fetch(path, { headers: { Accept: "application/geo+json, application/json" }, signal: signal ?? null });
	} catch (e) {
		if (e instanceof DOMException && e.name === "AbortError") throw e;
		throw new ApiError("offline", e instanceof Error ? e.message : "");
	}
	if (!res.ok) throw await problem(res);
	try {
		return (await res.json()) as T;
	} catch (e) {
		if (e instanceof DOMException && e.name === "AbortError") throw e;
		throw new ApiError("server", `${path}: not JSON`);
	}
}

async function problem(res: Response): Promise<ApiError> {
	let detail = res.statusText;
	try {
		const p = (await res.json()) as { title?: string; detail?: string };
		detail = p.detail || p.title || detail;
	} catch {
		// A proxy's error page is no problem+json; the status says enough.
	}
	const kind: ApiErrorKind =
		res.status === 404 || res.status === 410
			? "notFound"
			: res.status === 401 || res.status === 403
				? "forbidden"
				: res.status < 500
					? "badRequest"
					: "server";
	return new ApiError(kind, detail);
}

/** True for the rejection of a request that was aborted on purpose. */
export function isAbort(e: unknown): boolean {
	return e instanceof DOMException && e.name === "AbortError";
}

export async function getCollections(signal?: AbortSignal): Promise<Collection[]> {
	const body = await getJSON<Collection[] | { collections?: Collection[] }>("/api/collections", signal);
	const list = Array.isArray(body) ? body : (body.collections ?? []);
	return list.map((c) => ({ ...c, fields: c.fields ?? [], geometry: c.geometry ?? "any" }));
}

interface CityBody {
	name?: string;
	title?: Words;
	bounds?: [number, number, number, number];
	center?: [number, number];
	zoom?: number;
	timeZone?: string;
	time_zone?: string;
	synthetic?: boolean;
}

export async function getCity(): Promise<City> {
	const b = await getJSON<CityBody>("/api/city");
	return {
		name: b.name ?? "",
		title: b.title ?? {},
		bounds: b.bounds?.length === 4 ? b.bounds : null,
		center: b.center?.length === 2 ? b.center : null,
		zoom: typeof b.zoom === "number" ? b.zoom : null,
		timeZone: b.timeZone ?? b.time_zone ?? "Asia/Kolkata",
		synthetic: b.synthetic === true,
	};
}

/** One feature by its id or its 53-bit key, with its history when the server gives one. */
export function getFeature(collection: string, id: string, signal?: AbortSignal): Promise<Feature & { history?: Version[] }> {
	return getJSON(`/api/features/${encodeURIComponent(collection)}/${encodeURIComponent(id)}`, signal);
}

export interface Page extends FeatureCollection {
	readonly numberReturned?: number;
	readonly numberMatched?: number;
	readonly links?: readonly { readonly rel: string; readonly href: string }[];
}

function query(params: Record<string, string | number | undefined>): string {
	const p = new URLSearchParams();
	for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== "") p.set(k, String(v));
	return p.toString();
}

export function getNear(
	collection: string,
	lon: number,
	lat: number,
	k: number,
	category: string,
	signal?: AbortSignal,
): Promise<Page> {
	const filter = category ? `category='${category.replaceAll("'", "''")}'` : undefined;
	return getJSON(`/api/near?${query({ collection, lon: lon.toFixed(6), lat: lat.toFixed(6), k, filter })}`, signal);
}

export function getWithin(collection: string, bbox: readonly number[], limit: number, signal?: AbortSignal): Promise<Page> {
	return getJSON(`/api/within?${query({ collection, bbox: bbox.map((v) => v.toFixed(6)).join(","), limit })}`, signal);
}

/** Follows a page's `next` link, which is on this origin or is not followed. */
export function getNext(page: Page, signal?: AbortSignal): Promise<Page> | null {
	const href = page.links?.find((l) => l.rel === "next")?.href;
	if (!href) return null;
	const url = new URL(href, location.href);
	return getJSON(url.pathname + url.search, signal);
}

export function getAt(lon: number, lat: number, signal?: AbortSignal): Promise<Page> {
	return getJSON(`/api/at?${query({ lon: lon.toFixed(6), lat: lat.toFixed(6) })}`, signal);
}

export function getSearch(q: string, lang: Language, signal?: AbortSignal): Promise<Page> {
	return getJSON(`/api/search?${query({ q, lang, limit: 12 })}`, signal);
}
