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
	/** Who enters a feature by hand has to give a value. */
	readonly required?: boolean;
	/** All there are to choose from; none: any. */
	readonly values?: readonly { readonly value: string; readonly title?: Words }[];
}

export interface Collection {
	readonly name: string;
	readonly title?: Words;
	readonly description?: Words;
	readonly owner?: string;
	readonly licence?: string;
	readonly source?: string;
	readonly class?: string;
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
	/** Names of its wards, as the city writes them. */
	readonly wards: readonly string[];
}

export interface Version {
	readonly rev: number;
	/** When it was recorded, and when it was true in the city (RFC 3339). */
	readonly recorded?: string;
	readonly valid_from?: string;
	readonly valid_to?: string;
}

export type ApiErrorKind = "offline" | "notFound" | "forbidden" | "changed" | "tooMany" | "badRequest" | "server";

/** What a problem (RFC 9457) says beside its words. */
export interface Problem {
	/** The last part of its type: "not-found", "second-factor". */
	readonly type: string;
	/** Places in the body that are wrong. */
	readonly errors: readonly { readonly path: string; readonly reason: string }[];
	/** The rule that a command goes against, and what belongs to it; "" where there is none. */
	readonly code: string;
	readonly values: readonly string[];
	/** Seconds until the next attempt is welcome; 0 when it was not said. */
	readonly retryAfter: number;
}

export class ApiError extends Error {
	constructor(
		readonly kind: ApiErrorKind,
		/** The problem's own words, in English, for those who report it. */
		readonly detail: string,
		readonly problem: Problem = { type: "", errors: [], code: "", values: [], retryAfter: 0 },
	) {
		super(detail || kind);
	}
}

/** What went wrong, of anything that was thrown. */
export function kindOf(e: unknown): ApiErrorKind {
	return e instanceof ApiError ? e.kind : "server";
}

async function request(path: string, init: RequestInit): Promise<Response> {
	let res: Response;
	try {
		res = await fetch(path, init);
	} catch (e) {
		if (isAbort(e)) throw e;
		throw new ApiError("offline", e instanceof Error ? e.message : "");
	}
	if (!res.ok) throw await problem(res);
	return res;
}

async function jsonOf<T>(res: Response): Promise<T> {
	try {
		return (await res.json()) as T;
	} catch (e) {
		if (isAbort(e)) throw e;
		throw new ApiError("server", `${res.url}: not JSON`);
	}
}

export async function getJSON<T>(path: string, signal?: AbortSignal): Promise<T> {
	return jsonOf(await ask(path, signal));
}

function ask(path: string, signal?: AbortSignal): Promise<Response> {
	return request(path, { headers: { Accept: "application/geo+json, application/json" }, signal: signal ?? null });
}

/** What was asked for, and the ETag that a change of it names in If-Match. */
export interface Tagged<T> {
	readonly value: T;
	readonly etag: string;
}

export async function getTagged<T>(path: string, signal?: AbortSignal): Promise<Tagged<T>> {
	const res = await ask(path, signal);
	return { value: await jsonOf<T>(res), etag: res.headers.get("ETag") ?? "" };
}

/** Changes something; an answer without a body gives null. */
export async function send<T>(
	method: "POST" | "PUT" | "PATCH" | "DELETE",
	path: string,
	body?: unknown,
	headers: Readonly<Record<string, string>> = {},
): Promise<T> {
	const res = await request(path, {
		method,
		headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	return res.headers.get("Content-Type") ? jsonOf<T>(res) : (null as T);
}

async function problem(res: Response): Promise<ApiError> {
	let p: { type?: string; title?: string; detail?: string; errors?: Problem["errors"]; code?: string; values?: string[] } = {};
	try {
		p = (await res.json()) as typeof p;
	} catch {
		// A proxy's error page is no problem+json; the status says enough.
	}
	return new ApiError(errorKind(res.status), p.detail || p.title || res.statusText, {
		type: /[^/:]*$/.exec(p.type ?? "")?.[0] ?? "",
		errors: p.errors ?? [],
		code: p.code ?? "",
		values: p.values ?? [],
		retryAfter: Number(res.headers.get("Retry-After")) || 0,
	});
}

function errorKind(status: number): ApiErrorKind {
	switch (status) {
		case 404:
		case 410:
			return "notFound";
		case 401:
		case 403:
			return "forbidden";
		case 409:
		case 412:
			return "changed";
		case 429:
			return "tooMany";
		default:
			return status < 500 ? "badRequest" : "server";
	}
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
	wards?: { name?: string }[];
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
		wards: (b.wards ?? []).flatMap((w) => (w.name ? [w.name] : [])),
	};
}

/** The feature's exact geometry, its history, and the ETag that a change of it must name. */
export type DetailedFeature = Feature & { readonly history?: readonly Version[]; readonly etag: string };

export function featurePath(collection: string, id: string): string {
	return `/api/features/${encodeURIComponent(collection)}/${encodeURIComponent(id)}`;
}

/** One feature by its id or its 53-bit key. */
export async function getFeature(collection: string, id: string, signal?: AbortSignal): Promise<DetailedFeature> {
	const { value, etag } = await getTagged<Feature>(featurePath(collection, id), signal);
	return { ...value, etag };
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
