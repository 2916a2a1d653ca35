// Structures in words: values, statuses, days, floors.

import { formatDate, formatNumber } from "../format/numbers";
import { humanise, language } from "../i18n";
import { city } from "../state/store";
import { collectionNamed, fieldTitle, fieldValue, timeZone } from "../ui/text";
import type { Structure } from "./api";
import { tell, tellIfKnown } from "./words";

/** "23 Nov 2026": the day of a date, or of a time in the city. */
export function dayText(value: string): string {
	return formatDate(dayOf(value), language.value, timeZone());
}

/** The day YYYY-MM-DD of a date or, in the city's time, of a time. */
export function dayOf(value: string): string {
	if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
	const t = new Date(value);
	return Number.isNaN(t.getTime()) ? value : new Intl.DateTimeFormat("sv", { timeZone: timeZone() }).format(t);
}

export function today(): string {
	return dayOf(new Date().toISOString());
}

export function numberText(n: number): string {
	return formatNumber(n, language.value);
}

export function statusText(status: string): string {
	return tellIfKnown(`status.${status}`) ?? humanise(status);
}

export function schemeText(scheme: string): string {
	return tellIfKnown(`scheme.${scheme}`) ?? humanise(scheme);
}

/** The title of a field of one of the collections that say something of a structure. */
export function titleOf(collection: string, name: string): string {
	const known = collectionNamed(collection)?.fields.find((f) => f.name === name);
	return fieldTitle(known ?? { name, type: "text" });
}

/** A value as the card shows it; "" for none. */
export function valueText(collection: string, name: string, value: unknown, unit = ""): string {
	const known = collectionNamed(collection)?.fields.find((f) => f.name === name);
	const field = known ?? { name, type: typeof value === "number" ? "real" : "text", ...(unit ? { unit } : {}) };
	return fieldValue(field, value, collection) ?? "";
}

/** "03" is the third floor, "B1" the first basement, "00" the ground. */
export function floorText(floor: string): string {
	const basement = /^B(\d+)$/i.exec(floor);
	if (basement) return tell("units.basement", { n: Number(basement[1]) });
	if (!/^\d+$/.test(floor)) return floor;
	return Number(floor) === 0 ? tell("units.ground") : tell("units.floor", { n: Number(floor) });
}

/** What of a structure stands in the page's head, not in the list of facts. */
export function headline(s: Structure): { readonly address: string; readonly ward: string } {
	const text = (name: string) => String(s.facts.find((f) => f.name === name)?.value ?? "");
	return { address: text("address"), ward: text("ward") };
}

/** The city's name in the reader's language. */
export function cityText(): string {
	const title = city.value?.title ?? {};
	return title[language.value] ?? title.en ?? "";
}
