// Turns features and fields into words: names, categories, values with units.

import type { Feature } from "geojson";
import type { Collection, Field } from "../api/client";
import { clock, formatDate, formatNumber, localeOf, area as quantityArea, distance as quantityDistance } from "../format/numbers";
import { type Later, openAt, wallTime } from "../hours";
import { humanise, language, lookup, t, words } from "../i18n";
import { city, collections } from "../state/store";
import { nameFields } from "../style/expressions";

export function collectionNamed(name: string): Collection | undefined {
	const all = collections.value;
	return all.status === "ready" ? all.value.find((c) => c.name === name) : undefined;
}

export function collectionTitle(name: string): string {
	return words(collectionNamed(name)?.title, lookup(`col.${name}`) ?? humanise(name));
}

/** The collection of a feature that came from a mixed answer. */
export function collectionOf(f: Feature): string {
	return String(f.properties?.collection ?? (f as { collection?: unknown }).collection ?? "");
}

/** The feature's 53-bit key, which tiles carry too; its id where an answer has no key. */
export function idOf(f: Feature): string {
	const key = (f as { key?: unknown }).key;
	return String(key ?? f.id ?? "");
}

/** The structure that a feature is, or is about; "" for none. */
export function uidOf(f: Feature): string {
	const uid = f.properties?.uid;
	return typeof uid === "string" ? uid : "";
}

export function featureName(f: Feature, collection: string): string {
	for (const field of nameFields(language.value)) {
		const v = f.properties?.[field];
		if (typeof v === "string" && v.trim() !== "") return wardPrefix(collection, v.trim());
	}
	if (typeof f.properties?.title === "string" && f.properties.title !== "") return f.properties.title;
	const uid = f.properties?.uid;
	if (typeof uid !== "string") return featureKind(f, collection);
	return `${lookup(`one.${collection}`) ?? collectionTitle(collection)} ${uid}`;
}

/** A ward is known by its letter: "G/N" alone says little in a list. */
function wardPrefix(collection: string, name: string): string {
	return collection === "wards" && /^[A-Z](\/[A-Z])?$/.test(name) ? t("ward.name", { name }) : name;
}

/** What sort of thing it is: its category, else its kind, else its collection. */
export function featureKind(f: Feature, collection: string): string {
	const p = f.properties ?? {};
	if (collection === "facilities" && typeof p.category === "string") return categoryName(p.category);
	for (const field of ["kind", "class", "use", "category"]) {
		const v = p[field];
		if (typeof v === "string" && v !== "") {
			const known = lookup(`v.${collection}.${v}`) ?? lookup(`v.${v}`);
			if (known) return known;
		}
	}
	if (collection === "") return "";
	return lookup(`one.${collection}`) ?? collectionTitle(collection);
}

export function categoryName(category: string): string {
	if (category === "") return t("near.everything");
	return lookup(`cat.${category}`) ?? humanise(category);
}

export function fieldTitle(field: Field): string {
	const own = words(field.title);
	return own || lookup(`f.${field.name}`) || humanise(field.name);
}

const units: Readonly<Record<string, string>> = { m: "unit.m", km: "unit.km", m2: "unit.m2", ha: "unit.ha", km2: "unit.km2" };

export function unitName(unit: string): string {
	const key = units[unit];
	if (key) return lookup(key) ?? unit;
	const symbols: Record<string, string> = { Cel: "°C", "%": "%", mm: "mm", INR: "₹", "[INR]": "₹", "1": "", a: "" };
	// Annotations such as {floor} only repeat the title.
	return symbols[unit] ?? unit.replace(/\{[^}]*\}/g, "");
}

/** A field's value in words, or null when there is nothing to say. */
export function fieldValue(field: Field, value: unknown, collection: string): string | null {
	if (value === null || value === undefined || value === "") return null;
	if (typeof value === "boolean") return t(value ? "value.yes" : "value.no");
	if (typeof value === "number") {
		if (/year/i.test(field.name)) return String(value);
		const unit = field.unit ? unitName(field.unit) : "";
		if (unit === "₹") return `₹${formatNumber(value, language.value, 2)}`;
		return unit ? `${formatNumber(value, language.value, 2)} ${unit}` : formatNumber(value, language.value, 3);
	}
	if (typeof value === "object") return JSON.stringify(value);
	const text = String(value);
	const choice = field.values?.find((v) => v.value === text);
	if (choice) return words(choice.title) || text;
	if (/^(date|time|datetime|timestamp)/.test(field.type)) return formatDate(text, language.value, timeZone());
	if (/^[a-z][a-z_]*$/.test(text)) return lookup(`v.${collection}.${text}`) ?? lookup(`v.${text}`) ?? humanise(text);
	return text;
}

export function timeZone(): string {
	return city.value?.timeZone ?? "Asia/Kolkata";
}

export function distanceText(metres: number): string {
	const q = quantityDistance(metres, language.value);
	return `${q.text} ${unitName(q.unit)}`;
}

export function areaText(m2: number): string {
	const q = quantityArea(m2, language.value);
	return `${q.text} ${unitName(q.unit)}`;
}

export interface OpenText {
	readonly state: "open" | "closed" | "unknown";
	readonly text: string;
	/** True where public holidays may change it. */
	readonly holidays: boolean;
}

/** "Open until 20:00", "Closed, opens Mon 09:00", "Hours unknown". */
export function openText(hours: unknown, now: Date = new Date()): OpenText {
	const state = openAt(typeof hours === "string" ? hours : null, wallTime(now, timeZone()));
	if (state.state === "unknown") return { state: "unknown", text: t("open.unknown"), holidays: false };
	if (state.state === "open") {
		const text = state.until ? t("open.until", { when: laterText(state.until, now) }) : t("open.always");
		return { state: "open", text, holidays: state.holidays };
	}
	const text = state.opens ? t("closed.opens", { when: laterText(state.opens, now) }) : t("closed");
	return { state: "closed", text, holidays: state.holidays };
}

function laterText(l: Later, now: Date): string {
	if (l.days === 0) return clock(l.minute);
	if (l.days === 1 && l.minute === 0) return "24:00";
	if (l.days === 1) return t("when.tomorrow", { time: clock(l.minute) });
	const day = new Intl.DateTimeFormat(localeOf(language.value), { weekday: "long", timeZone: timeZone() }).format(
		new Date(now.getTime() + l.days * 86_400_000),
	);
	return t("when.day", { day, time: clock(l.minute) });
}

export function coordinatesText(lon: number, lat: number): string {
	return `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
}
