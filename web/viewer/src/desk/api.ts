// What a department's desk reads and writes: /api/reviews and /api/findings.

import type { Geometry } from "geojson";
import { ApiError, getJSON, send, type Words } from "../api/client";
import { parseUid } from "../structures/uid";

export type Decision = "join" | "none" | "undo";
export type Verdict = "same" | "like" | "differs" | "missing";
export type ReviewState = "open" | "joined" | "none" | "undone";

export interface Decided {
	/** RFC 3339. */
	readonly at: string;
	readonly by: string;
	readonly decision?: string;
	readonly uid?: string;
	readonly note?: string;
}

/** A line of the queue. */
export interface ReviewLine {
	readonly id: string;
	readonly collection: string;
	readonly record: { readonly id: string; readonly title?: string };
	readonly state: ReviewState;
	/** Probability of the best candidate, 0..1. */
	readonly score: number;
	readonly ward?: string;
	readonly candidates: number;
	readonly created?: string;
	readonly decided?: Decided | null;
}

export interface ReviewPage {
	readonly reviews: readonly ReviewLine[];
	readonly total: number;
	readonly next?: string;
}

/** What speaks for or against a candidate. */
export interface Reason {
	readonly part: string;
	readonly record?: string;
	readonly structure?: string;
	readonly verdict: Verdict;
	/** Bits: more is for it, less than 0 against it. */
	readonly weight: number;
}

export interface Candidate {
	readonly uid: string;
	readonly score: number;
	readonly name?: string;
	readonly address?: string;
	readonly ward?: string;
	readonly height_m?: number;
	readonly geometry: Geometry | null;
	readonly reasons: readonly Reason[];
}

export interface Review {
	readonly id: string;
	readonly collection: string;
	readonly state: ReviewState;
	readonly record: {
		readonly id: string;
		readonly properties: Readonly<Record<string, unknown>>;
		readonly geometry: Geometry | null;
	};
	readonly candidates: readonly Candidate[];
	/** Whether the reader may write the record. */
	readonly may_decide?: boolean;
	readonly decided: Decided | null;
	readonly history: readonly Decided[];
}

export interface ReviewCounts {
	readonly collection: string;
	readonly open: number;
	readonly joined: number;
	readonly none: number;
	readonly sure?: number;
	readonly rejected?: number;
	readonly unknown_uid?: number;
}

export type Where = Readonly<Record<string, string>>;

function queryOf(where: Where, names: readonly string[], more: Where = {}): string {
	const p = new URLSearchParams();
	for (const n of names) if (where[n]) p.set(n, where[n]);
	for (const [k, v] of Object.entries(more)) if (v) p.set(k, v);
	const text = p.toString();
	return text ? `?${text}` : "";
}

const pageSize = "100";

/** A page's `next` is an address on this origin. */
function page<T>(first: string, next: string, signal?: AbortSignal): Promise<T> {
	const url = next ? new URL(next, location.href) : null;
	return getJSON(url ? url.pathname + url.search : first, signal);
}

const reviewFields = ["state", "collection", "ward", "uid"];

export function getReviews(where: Where, next = ""): Promise<ReviewPage> {
	return page(`/api/reviews${queryOf(where, reviewFields, { limit: pageSize })}`, next);
}

export async function getReviewCounts(): Promise<readonly ReviewCounts[]> {
	return (await getJSON<{ collections: ReviewCounts[] }>("/api/reviews/summary")).collections;
}

export function getReview(id: string): Promise<Review> {
	return getJSON(`/api/reviews/${encodeURIComponent(id)}`);
}

export function decide(id: string, decision: Decision, uid = "", note = ""): Promise<Review> {
	return send("POST", `/api/reviews/${encodeURIComponent(id)}`, { decision, ...(uid ? { uid } : {}), ...(note ? { note } : {}) });
}

export type FindingState = "open" | "acknowledged" | "resolved" | "dismissed";

export interface Evidence {
	readonly label: string | Words;
	readonly value: unknown;
	readonly unit?: string;
	readonly source?: string;
	readonly date?: string;
	readonly collection?: string;
	readonly id?: string;
}

export interface Note {
	readonly at: string;
	readonly by: string;
	readonly state?: string;
	readonly note?: string;
}

export interface Finding {
	readonly id: string;
	readonly rule: string;
	readonly title?: Words;
	readonly severity: string;
	readonly owner?: string;
	readonly uid?: string;
	readonly ward?: string;
	readonly state: FindingState;
	readonly summary?: Words;
	readonly found_at: string;
	readonly closed_at?: string | null;
	readonly closed_why?: string;
	readonly evidence?: readonly Evidence[];
	readonly lon?: number;
	readonly lat?: number;
	readonly assigned?: string;
	readonly notes?: readonly Note[];
}

export interface FindingPage {
	readonly findings: readonly Finding[];
	/** null: too few to tell */
	readonly total: number | null;
	readonly next?: string;
}

export interface RuleCounts {
	readonly rule: string;
	readonly title?: Words;
	readonly severity: string;
	readonly owner?: string;
	readonly open: number;
	readonly acknowledged: number;
	readonly resolved: number;
	readonly dismissed: number;
}

export interface FindingSummary {
	readonly rules: readonly RuleCounts[];
	readonly wards: readonly { readonly ward: string; readonly open: number }[];
	/** "2026-11", oldest first. */
	readonly months: readonly { readonly month: string; readonly found: number; readonly closed: number }[];
}

const findingFields = ["rule", "state", "severity", "ward", "owner", "uid"];

/** Of states, the list shows what is not settled where none is chosen. */
function findingWhere(where: Where): Where {
	const { state = "", ...rest } = where;
	return state === "all" ? rest : { ...rest, state: state || "open" };
}

export function getFindings(where: Where, next = ""): Promise<FindingPage> {
	return page(`/api/findings${queryOf(findingWhere(where), findingFields, { sort: where.sort ?? "", limit: pageSize })}`, next);
}

export function findingsCsv(where: Where): string {
	return `/api/findings${queryOf(findingWhere(where), findingFields, { format: "csv" })}`;
}

/** Counts every state, so the filter's own state is left out. */
export function getFindingSummary(where: Where): Promise<FindingSummary> {
	const { state: _, ...rest } = where;
	return getJSON(`/api/findings/summary${queryOf(rest, findingFields)}`);
}

/**
 * One finding. Its id is RULE:SUBJECT, the subject mostly a structure's UID, so it is
 * among the few of that rule and structure; one about a record is looked for page by page.
 */
export async function getFinding(id: string): Promise<Finding> {
	const at = id.indexOf(":");
	const subject = parseUid(id.slice(at + 1));
	const where: Where = { rule: id.slice(0, Math.max(at, 0)), ...("uid" in subject ? { uid: subject.uid } : {}) };
	let next = "";
	do {
		const found: FindingPage = await page(`/api/findings${queryOf(where, findingFields, { limit: "1000" })}`, next);
		const one = found.findings.find((f) => f.id === id);
		if (one) return one;
		next = found.next ?? "";
	} while (next !== "");
	throw new ApiError("notFound", "");
}

export function settle(id: string, state: FindingState, note: string, assigned = ""): Promise<Finding> {
	return send("POST", `/api/findings/${encodeURIComponent(id)}`, {
		state,
		...(note ? { note } : {}),
		...(assigned ? { assigned } : {}),
	});
}

/** A rule as data: see docs/findings.md. */
export interface Rule {
	readonly name: string;
	readonly title: Words;
	readonly severity: string;
	readonly owner: string;
	readonly about?: string;
	readonly when: string;
	readonly summary?: Words;
	readonly disabled?: boolean;
	/** What If-Match of a change takes. */
	readonly etag?: string;
	/** Why it does not run, in English. */
	readonly waiting?: string;
	readonly [more: string]: unknown;
}

export interface RulePreview {
	readonly count: number;
	/** How many were looked at, of all there are. */
	readonly checked?: number;
	readonly of?: number;
	readonly examples: readonly Finding[];
}

export async function getRules(): Promise<readonly Rule[]> {
	return (await getJSON<{ rules: Rule[] }>("/api/findings/rules")).rules;
}

export function putRule(rule: Rule, etag: string): Promise<Rule> {
	return send("PUT", `/api/findings/rules/${encodeURIComponent(rule.name)}`, rule, {
		...(etag ? { "If-Match": etag } : { "If-None-Match": "*" }),
	});
}

export function previewRule(rule: Rule): Promise<RulePreview> {
	return send("POST", "/api/findings/rules/preview", rule);
}
