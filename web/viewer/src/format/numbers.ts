import type { Language } from "../style/types";

/** Latin digits in all three languages, grouped the Indian way (12,34,567). */
const locales: Record<Language, string> = { en: "en-IN", mr: "mr-IN-u-nu-latn", hi: "hi-IN-u-nu-latn" };

const cache = new Map<string, Intl.NumberFormat>();

export function localeOf(language: Language): string {
	return locales[language];
}

export function formatNumber(v: number, language: Language, digits = 0): string {
	const key = `${language}/${digits}`;
	let f = cache.get(key);
	if (!f) {
		f = new Intl.NumberFormat(locales[language], { maximumFractionDigits: digits });
		cache.set(key, f);
	}
	return f.format(v);
}

export type Unit = "m" | "km" | "m2" | "ha" | "km2";

export interface Quantity {
	readonly text: string;
	readonly unit: Unit;
}

/** A distance in metres, as precise as it is useful. */
export function distance(metres: number, language: Language): Quantity {
	if (metres < 100) return { text: formatNumber(metres, language, metres < 10 ? 1 : 0), unit: "m" };
	if (metres < 995) return { text: formatNumber(Math.round(metres / 10) * 10, language), unit: "m" };
	return { text: formatNumber(metres / 1000, language, metres < 9950 ? 2 : 1), unit: "km" };
}

/** An area in square metres, in m², hectares or km². */
export function area(m2: number, language: Language): Quantity {
	if (m2 < 10_000) return { text: formatNumber(m2, language, m2 < 100 ? 1 : 0), unit: "m2" };
	if (m2 < 1_000_000) return { text: formatNumber(m2 / 10_000, language, 2), unit: "ha" };
	return { text: formatNumber(m2 / 1_000_000, language, 2), unit: "km2" };
}

/** Minutes on foot along the straight line, at 4.8 km/h, at least 1. */
export function walkMinutes(metres: number): number {
	return Math.max(1, Math.round(metres / 80));
}

/** "23 Nov 2026" in the reader's language. */
export function formatDate(value: string, language: Language, timeZone: string): string {
	const t = new Date(value);
	if (Number.isNaN(t.getTime())) return value;
	const dayOnly = /^\d{4}-\d{2}-\d{2}$/.test(value);
	return new Intl.DateTimeFormat(locales[language], {
		day: "numeric",
		month: "short",
		year: "numeric",
		...(dayOnly ? { timeZone: "UTC" } : { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
	}).format(t);
}

/** 605 -> "10:05". */
export function clock(minute: number): string {
	return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
