// One structure at two moments: what is the same, what changed. Pure.

import type { Structure } from "./api";
import { groundArea } from "./outline";

export type Row =
	| { readonly kind: "fact"; readonly name: string; readonly unit: string; readonly values: readonly [unknown, unknown] }
	| { readonly kind: "status"; readonly values: readonly [unknown, unknown] }
	| { readonly kind: "area"; readonly values: readonly [number | null, number | null] }
	| { readonly kind: "units" | "records"; readonly values: readonly [number | null, number | null] }
	| { readonly kind: "alias"; readonly name: string; readonly values: readonly [unknown, unknown] }
	| { readonly kind: "certificate"; readonly name: string; readonly values: readonly [unknown, unknown] };

export interface Compared {
	readonly row: Row;
	readonly changed: boolean;
}

/** Square metres by which two outlines must differ to count: drawings are redrawn within less. */
const sameArea = 0.5;

/** Every line of the two, in the order of the page; null is a structure that was not there. */
export function compare(before: Structure | null, after: Structure | null): readonly Compared[] {
	const both = [before, after] as const;
	const rows: Row[] = [{ kind: "status", values: pair(both, (s) => s.status.value || null) }];
	for (const name of namesOf(both, (s) => s.facts.filter((f) => f.name !== "source_id").map((f) => f.name))) {
		const unit = both.flatMap((s) => s?.facts.find((f) => f.name === name)?.unit ?? []).at(0) ?? "";
		rows.push({ kind: "fact", name, unit, values: pair(both, (s) => s.facts.find((f) => f.name === name)?.value ?? null) });
	}
	rows.push({ kind: "area", values: pair(both, (s) => groundArea(s.geometry) || null) });
	rows.push({ kind: "units", values: pair(both, (s) => s.units.count) });
	for (const name of namesOf(both, (s) => s.aliases.map((a) => a.scheme))) {
		const list = (s: Structure) => s.aliases.filter((a) => a.scheme === name).map((a) => a.value);
		rows.push({ kind: "alias", name, values: pair(both, (s) => list(s).sort().join(", ") || null) });
	}
	for (const name of namesOf(both, (s) => s.certificates.map((c) => c.collection))) {
		const list = (s: Structure) => s.certificates.filter((c) => c.collection === name).map((c) => c.state);
		rows.push({ kind: "certificate", name, values: pair(both, (s) => list(s).sort().join(",") || null) });
	}
	rows.push({ kind: "records", values: pair(both, recordCount) });
	return rows
		.filter((row) => row.values.some((v) => v !== null && v !== 0))
		.map((row) => ({ row, changed: differs(row) || (row.kind === "area" && moved(both)) }));
}

export function recordCount(s: Structure): number {
	return s.records.reduce((n, d) => n + d.collections.reduce((m, c) => m + c.count, 0), 0);
}

function differs(row: Row): boolean {
	const [a, b] = row.values;
	if (row.kind === "area" && typeof a === "number" && typeof b === "number") return Math.abs(a - b) >= sameArea;
	return JSON.stringify(a) !== JSON.stringify(b);
}

/** The outline differs, though its area may not. */
function moved([a, b]: readonly [Structure | null, Structure | null]): boolean {
	return JSON.stringify(a?.geometry ?? null) !== JSON.stringify(b?.geometry ?? null);
}

function pair<T>([a, b]: readonly [Structure | null, Structure | null], of: (s: Structure) => T): readonly [T | null, T | null] {
	return [a && of(a), b && of(b)];
}

function namesOf(
	both: readonly [Structure | null, Structure | null],
	of: (s: Structure) => readonly string[],
): readonly string[] {
	return [...new Set(both.flatMap((s) => (s ? of(s) : [])))];
}
