// The texts of the departments' desks; they come with those.

import { fill, language } from "../../i18n";
import type { Language } from "../../style/types";
import { en } from "./en";
import { hi } from "./hi";
import { mr } from "./mr";

export type DeskKey = keyof typeof en;
export type DeskDictionary = Readonly<Record<DeskKey, string>>;

export const deskDictionaries: Readonly<Record<Language, DeskDictionary>> = { en, mr, hi };

/** A text in the reader's language with its {placeholders} filled. */
export function label(key: DeskKey, params?: Readonly<Record<string, string | number>>): string {
	return fill(deskDictionaries[language.value][key], params);
}

/** The text for a key made at run time, such as "part.road", or null when there is none. */
export function labelIfKnown(key: string): string | null {
	return (deskDictionaries[language.value] as Readonly<Record<string, string>>)[key] ?? null;
}
