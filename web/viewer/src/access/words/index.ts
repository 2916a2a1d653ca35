// The texts of sign-in, account and administration. They come with those pages,
// so that a visitor of the public map loads none of them.

import { fill, language } from "../../i18n";
import type { Language } from "../../style/types";
import { en } from "./en";
import { hi } from "./hi";
import { mr } from "./mr";

export type AccessKey = keyof typeof en;
export type AccessDictionary = Readonly<Record<AccessKey, string>>;

export const accessDictionaries: Readonly<Record<Language, AccessDictionary>> = { en, mr, hi };

/** A text in the reader's language with its {placeholders} filled. */
export function say(key: AccessKey, params?: Readonly<Record<string, string | number>>): string {
	return fill(accessDictionaries[language.value][key], params);
}

/** The text for a key made at run time, such as "role.planner", or null when there is none. */
export function sayIfKnown(key: string): string | null {
	return (accessDictionaries[language.value] as Readonly<Record<string, string>>)[key] ?? null;
}
