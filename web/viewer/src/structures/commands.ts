// Commands of the register: POST /api/structures/{uid}/events (docs/registry.md).

import type { Polygon } from "geojson";
import { send } from "../api/client";
import { type Past, path, type StructureEvent } from "./api";
import type { Floors } from "./plan";

/** One of the structures that another is split into; the first keeps the number. */
export interface Part {
	readonly geometry: Polygon;
}

export type Command =
	| { readonly kind: "status"; readonly status: string }
	| { readonly kind: "correct"; readonly properties?: Readonly<Record<string, unknown>>; readonly geometry?: Polygon }
	| { readonly kind: "units"; readonly plan: readonly Floors[] }
	| { readonly kind: "alias"; readonly alias: { readonly scheme: string; readonly value: string; readonly source?: string } }
	| { readonly kind: "end_alias"; readonly alias: { readonly scheme: string; readonly value: string } }
	| { readonly kind: "replace"; readonly status: string; readonly geometry?: Polygon }
	| { readonly kind: "demolish" }
	| { readonly kind: "revive" }
	| { readonly kind: "split"; readonly parts: readonly Part[] }
	| { readonly kind: "merge"; readonly with: readonly string[] }
	| { readonly kind: "undo"; readonly event: string };

/** The stations that may follow each, but for the ends, which have commands of their own. */
const next: Readonly<Record<string, readonly string[]>> = {
	proposed: ["permitted", "under_construction"],
	permitted: ["under_construction", "proposed"],
	under_construction: ["in_use", "vacant", "permitted"],
	in_use: ["vacant", "dilapidated", "under_construction"],
	vacant: ["in_use", "dilapidated", "under_construction"],
	dilapidated: ["in_use", "vacant", "under_construction"],
};

/** Where a life may begin. */
export const beginnings: readonly string[] = Object.keys(next);

export function stationsAfter(status: string): readonly string[] {
	return next[status] ?? [];
}

export function ended(status: string): boolean {
	return status === "demolished" || status === "retired";
}

/** The event that can be undone now: the latest that stands. */
export function undoable(past: Past): StructureEvent | null {
	return [...past.events].sort((a, b) => a.rev - b.rev).findLast((e) => !e.undone_by && e.kind !== "undone") ?? null;
}

/**
 * Gives a command, on the condition that the structure is as the page showed it.
 * `key` makes a repetition of the very same harmless.
 */
export function command(
	uid: string,
	c: Command,
	more: { readonly date: string; readonly evidence: string; readonly etag: string; readonly key: string },
): Promise<unknown> {
	const body = { ...c, ...(more.date ? { date: more.date } : {}), ...(more.evidence ? { evidence: more.evidence } : {}) };
	// An undoing looks at the event itself, which nobody else has undone meanwhile.
	const condition = more.etag && c.kind !== "undo" ? { "If-Match": more.etag } : {};
	return send("POST", `${path(uid)}/events`, body, { "Idempotency-Key": more.key, ...condition });
}

/** Gives a structure that has no footprint yet a UID, and tells which. */
export async function register(
	s: { readonly status: string; readonly geometry: Polygon | null; readonly properties: Readonly<Record<string, unknown>> },
	more: { readonly date: string; readonly evidence: string; readonly key: string },
): Promise<string> {
	const { status, geometry, properties } = s;
	const body = {
		kind: "register",
		status,
		properties,
		...(geometry ? { geometry } : {}),
		...(more.date ? { date: more.date } : {}),
		...(more.evidence ? { evidence: more.evidence } : {}),
	};
	const done = await send<{ uid: string }>("POST", "/api/structures", body, { "Idempotency-Key": more.key });
	return done.uid;
}

/** A key that no other command has; randomUUID would want a secure page. */
export function newKey(): string {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
