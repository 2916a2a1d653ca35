// What happened to a structure, newest first: its events, and what was recorded
// anew of it. Pure.

import type { Finding } from "../desk/api";
import type { Past, PastVersion, StructureEvent } from "./api";

export interface Change {
	readonly field: string;
	readonly from: unknown;
	readonly to: unknown;
}

export interface Moment {
	readonly rev: number;
	/** The day it happened (YYYY-MM-DD), else when it was recorded (RFC 3339). */
	readonly time: string;
	readonly recorded: string;
	readonly event: StructureEvent | null;
	/** The collection whose data changed, where there is no event. */
	readonly collection: string;
	/** True where the collection speaks of the structure for the first time. */
	readonly first: boolean;
	readonly changes: readonly Change[];
	/** Set where a finding was opened, or was settled. */
	readonly finding?: { readonly of: Finding; readonly closed: boolean };
}

/** Of no use to a reader. */
const silent = new Set(["uid", "source_id", "status", "retired"]);

/** What happened, newest first; each finding where it was found, and where it was settled. */
export function timeline(past: Past, findings: readonly Finding[] = []): readonly Moment[] {
	const moments = [...happened(past)];
	for (const moment of findings.flatMap(momentsOf)) {
		const older = moments.findIndex((m) => (m.recorded || m.time) <= moment.recorded);
		moments.splice(older < 0 ? moments.length : older, 0, moment);
	}
	return moments;
}

function momentsOf(of: Finding): Moment[] {
	const at = (time: string, closed: boolean): Moment => ({
		rev: 0,
		time,
		recorded: time,
		event: null,
		collection: "findings",
		first: false,
		changes: [],
		finding: { of, closed },
	});
	return [at(of.found_at, false), ...(of.closed_at ? [at(of.closed_at, true)] : [])];
}

function happened(past: Past): readonly Moment[] {
	const before = new Map<string, PastVersion>();
	const byRev = new Map<number, { version: PastVersion; first: boolean; changes: Change[] }[]>();
	for (const version of [...past.versions].sort((a, b) => a.rev - b.rev)) {
		const place = `${version.collection}/${version.id}`;
		const last = before.get(place);
		before.set(place, version);
		const list = byRev.get(version.rev) ?? [];
		byRev.set(version.rev, [...list, { version, first: !last, changes: last ? changesOf(last, version) : [] }]);
	}
	const moments: Moment[] = past.events.map((event) => {
		const rows = byRev.get(event.rev) ?? [];
		const recorded = rows[0]?.version.recorded ?? "";
		return {
			rev: event.rev,
			time: event.date || recorded,
			recorded,
			event,
			collection: "",
			first: false,
			changes: rows.flatMap((r) => r.changes),
		};
	});
	const told = new Set(past.events.map((e) => e.rev));
	for (const [rev, rows] of byRev) {
		if (told.has(rev)) continue;
		for (const { version, first, changes } of rows) {
			// A version that only ends or moves in time says nothing new.
			if (!first && changes.length === 0) continue;
			const { recorded, collection } = version;
			moments.push({ rev, time: version.valid_from || recorded, recorded, event: null, collection, first, changes });
		}
	}
	return moments.sort((a, b) => b.rev - a.rev || (b.event?.id ?? "").localeCompare(a.event?.id ?? ""));
}

function changesOf(a: PastVersion, b: PastVersion): Change[] {
	const names = new Set([...Object.keys(a.properties), ...Object.keys(b.properties)]);
	return [...names].flatMap((field) => {
		const from = a.properties[field] ?? null;
		const to = b.properties[field] ?? null;
		return silent.has(field) || JSON.stringify(from) === JSON.stringify(to) ? [] : [{ field, from, to }];
	});
}

/** When each revision of a row was recorded, by "collection/id/rev". */
export function recordedTimes(past: Past): ReadonlyMap<string, string> {
	return new Map(past.versions.map((v) => [`${v.collection}/${v.id}/${v.rev}`, v.recorded]));
}
