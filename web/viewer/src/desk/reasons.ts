// The reasons of all candidates, line by line beside what the record says. Pure.

import type { Candidate, Reason } from "./api";

export interface Line {
	readonly part: string;
	/** What the record says; "" where it says nothing. */
	readonly record: string;
	/** By candidate; null where nothing is said of it. */
	readonly cells: readonly (Reason | null)[];
	/** How far the candidates are apart here, in bits: what decides stands first. */
	readonly decides: number;
}

/** One line for each part that any candidate was compared by, what tells them apart first. */
export function compareReasons(candidates: readonly Candidate[]): readonly Line[] {
	const lines: Line[] = [];
	const parts = [...new Set(candidates.flatMap((c) => c.reasons.map((r) => r.part)))];
	for (const part of parts) {
		const cells = candidates.map((c) => strongest(c.reasons.filter((r) => r.part === part)));
		const weights = cells.map((r) => r?.weight ?? 0);
		const record = cells.find((r) => r?.record)?.record ?? "";
		lines.push({ part, record, cells, decides: Math.max(...weights) - Math.min(...weights) });
	}
	const most = (l: Line) => Math.max(...l.cells.map((r) => Math.abs(r?.weight ?? 0)));
	return lines.sort((a, b) => b.decides - a.decides || most(b) - most(a));
}

function strongest(reasons: readonly Reason[]): Reason | null {
	return [...reasons].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))[0] ?? null;
}

/** The review after this one in the queue that nobody has decided in this visit; "" at its end. */
export function nextOf(queue: readonly { readonly id: string }[], id: string, done: ReadonlySet<string>): string {
	const at = queue.findIndex((r) => r.id === id);
	const rest = [...queue.slice(at + 1), ...queue.slice(0, Math.max(at, 0))];
	return rest.find((r) => r.id !== id && !done.has(r.id))?.id ?? "";
}
