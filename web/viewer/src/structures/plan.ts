// Units of a plan, line by line: floors × units, typed or pasted from a table. Pure.

/** Like floors of a plan; docs/registry.md. */
export interface Floors {
	/** B1, 00, 01 */
	readonly from: string;
	readonly to?: string;
	readonly wing?: string;
	readonly units: number;
	readonly use?: string;
	/** Of each unit. */
	readonly area_m2?: number;
}

/** A line as it is being typed. */
export interface PlanLine {
	readonly from: string;
	readonly to: string;
	readonly units: string;
	readonly use: string;
	readonly area: string;
	readonly wing: string;
}

export const emptyLine: PlanLine = { from: "", to: "", units: "", use: "", area: "", wing: "" };

/** "3" is 03, "g" and "0" the ground, "b1" a basement; what is none of them stays for the server to refuse. */
export function floorOf(text: string): string {
	const s = text.trim().toUpperCase();
	if (/^(G|GF|GROUND)$/.test(s)) return "00";
	return /^\d$/.test(s) ? `0${s}` : s;
}

/** The lines that say anything, as the register takes them. */
export function floorsOf(lines: readonly PlanLine[]): readonly Floors[] {
	return lines.filter(written).map((l) => ({
		from: floorOf(l.from),
		...(l.to.trim() ? { to: floorOf(l.to) } : {}),
		...(l.wing.trim() ? { wing: l.wing.trim() } : {}),
		units: Number(l.units) || 0,
		...(l.use.trim() ? { use: l.use.trim() } : {}),
		...(Number(l.area) > 0 ? { area_m2: Number(l.area) } : {}),
	}));
}

export function written(l: PlanLine): boolean {
	return l.from.trim() !== "" || l.units.trim() !== "";
}

/** How many units the lines stand for; a floor that is no number counts once. */
export function unitCount(lines: readonly PlanLine[]): number {
	const height = (f: string) => (/^B\d+$/.test(f) ? -Number(f.slice(1)) : Number(f));
	return floorsOf(lines).reduce((n, f) => {
		const floors = height(f.to ?? f.from) - height(f.from) + 1;
		return n + f.units * (Number.isFinite(floors) && floors > 0 ? floors : 1);
	}, 0);
}

/**
 * Rows of a spreadsheet, or text with commas: from, to, units, use, area, wing; or
 * floors such as 01-07 in place of the first two.
 */
export function parsePlan(text: string): readonly PlanLine[] {
	return text
		.split(/\r?\n/)
		.map((row) => row.split(/[\t;,]/).map((c) => c.trim()))
		.filter((cells) => cells.length > 1 && cells.some((c) => /\d/.test(c)))
		.map((cells) => {
			const range = /^(\w+)\s*(?:-|–|to)\s*(\w+)$/i.exec(cells[0] ?? "");
			const all = range ? [range[1], range[2], ...cells.slice(1)] : cells;
			const [from = "", to = "", units = "", use = "", area = "", wing = ""] = all;
			return { from, to, units, use, area, wing };
		});
}
