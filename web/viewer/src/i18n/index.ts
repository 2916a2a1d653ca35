import { signal } from "@preact/signals";
import type { Words } from "../api/client";
import type { Language } from "../style/types";
import { en } from "./en";
import { hi } from "./hi";
import { mr } from "./mr";

export type Key = keyof typeof en;
export type Dictionary = Readonly<Record<Key, string>>;

export const dictionaries: Readonly<Record<Language, Dictionary>> = { en, mr, hi };
export const languages: readonly Language[] = ["mr", "hi", "en"];

/** The language of interface and labels. */
export const language = signal<Language>("mr");

/** A text in the reader's language with its {placeholders} filled. Reading it subscribes a component. */
export function t(key: Key, params?: Readonly<Record<string, string | number>>): string {
	return fill(dictionaries[language.value][key], params);
}

/** The text for a key made at run time, such as "cat.hospital", or null when there is none. */
export function lookup(key: string): string | null {
	return (dictionaries[language.value] as Readonly<Record<string, string>>)[key] ?? null;
}

/** Puts params in the place of {name}s. */
export function fill(text: string, params?: Readonly<Record<string, string | number>>): string {
	if (!params) return text;
	return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

/** A catalogue text in the reader's language, else in the next best one. */
export function words(w: Words | undefined, fallback = ""): string {
	if (!w) return fallback;
	const order = language.value === "en" ? ["en"] : language.value === "mr" ? ["mr", "hi", "en"] : ["hi", "mr", "en"];
	for (const l of order) if (w[l]) return w[l];
	return Object.values(w).find(Boolean) ?? fallback;
}

/** The browser's first language that is ours, else Marathi. */
export function preferredLanguage(browser: readonly string[]): Language {
	for (const b of browser) {
		const base = b.toLowerCase().split("-")[0];
		const found = languages.find((l) => l === base);
		if (found) return found;
	}
	return "mr";
}

/** "slum_clusters" -> "Slum clusters". */
export function humanise(name: string): string {
	const s = name.replaceAll("_", " ").trim();
	return s.charAt(0).toUpperCase() + s.slice(1);
}
