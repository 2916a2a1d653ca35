// The texts of the structures' pages. They come with those pages, so that a visitor
// of the public map loads none of them.

import { fill, language } from "../../i18n";
import type { Language } from "../../style/types";
import { en } from "./en";
import { hi } from "./hi";
import { mr } from "./mr";

export type StructureKey = keyof typeof en;
export type StructureDictionary = Readonly<Record<StructureKey, string>>;

export const structureDictionaries: Readonly<Record<Language, StructureDictionary>> = { en, mr, hi };

/** A text in the reader's language with its {placeholders} filled. */
export function tell(key: StructureKey, params?: Readonly<Record<string, string | number>>): string {
	return fill(structureDictionaries[language.value][key], params);
}

/** The text for a key made at run time, such as "scheme.cts", or null when there is none. */
export function tellIfKnown(key: string): string | null {
	return (structureDictionaries[language.value] as Readonly<Record<string, string>>)[key] ?? null;
}
