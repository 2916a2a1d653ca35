import type { Row } from "./api";

/** By wing, those of none first; one group where there are no wings. */
export function byWing(rows: readonly Row[]): readonly (readonly [string, readonly Row[]])[] {
	const wings = new Map<string, Row[]>();
	for (const r of rows) {
		const wing = String(r.properties.wing ?? "");
		wings.set(wing, [...(wings.get(wing) ?? []), r]);
	}
	return [...wings].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true }));
}

/** From the deepest basement up. */
export function byFloor(rows: readonly Row[]): readonly (readonly [string, readonly Row[]])[] {
	const floors = new Map<string, Row[]>();
	for (const r of rows) {
		const floor = String(r.properties.floor ?? "");
		floors.set(floor, [...(floors.get(floor) ?? []), r]);
	}
	const height = (f: string) => (/^B\d+$/i.test(f) ? -Number(f.slice(1)) : Number(f) || 0);
	return [...floors].sort((a, b) => height(a[0]) - height(b[0]));
}
