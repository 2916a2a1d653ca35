import type { Reading } from "../api/access";

/** One line for a person's looks of one kind, over all places where they were signed in. */
export function together(readings: readonly Reading[]): ReadonlyMap<string, Reading> {
	const out = new Map<string, Reading>();
	for (const r of readings) {
		const key = JSON.stringify([r.who.kind, r.who.account, r.who.name, r.who.purpose, r.action, r.collection, r.fields]);
		const before = out.get(key);
		const times = [r.first, r.last, ...(before ? [before.first, before.last] : [])].sort();
		out.set(key, { ...r, first: times[0] ?? r.first, last: times.at(-1) ?? r.last, count: r.count + (before?.count ?? 0) });
	}
	return out;
}
