// From what somebody types to structures: a UID in any spelling, another number of
// it, an address.

import type { Feature } from "geojson";
import { resolve } from "./api";
import { type Malformed, parseUid } from "./uid";

export interface Found {
	readonly uid: string;
	readonly name: string;
	readonly address: string;
	readonly status: string;
	/** What agreed: "uid", "address", or the kind of number, such as "property_tax". */
	readonly match: string;
}

export interface Answer {
	readonly found: readonly Found[];
	/** Set where the text looks like a UID and is none. */
	readonly wrong: Malformed | null;
}

/** Looks among numbers, and among addresses too where `addresses`. */
export async function find(text: string, lang: string, addresses: boolean, signal?: AbortSignal): Promise<Answer> {
	const q = text.trim();
	const parsed = parseUid(q);
	const questions = [resolve("alias", "uid" in parsed ? parsed.uid : q, lang, signal)];
	if (addresses && !("uid" in parsed) && q.length > 3) questions.push(resolve("address", q, lang, signal));
	const pages = await Promise.all(questions);
	const all = pages.flatMap((p) => p.features.map(foundOf)).filter((f) => f.uid !== "");
	const found = all.filter((f, i) => all.findIndex((o) => o.uid === f.uid) === i);
	return { found, wrong: "wrong" in parsed && found.length === 0 && meantAsUid(q) ? parsed.wrong : null };
}

/** Ten or so characters in two groups, or in one with digits among letters. */
export function meantAsUid(text: string): boolean {
	const q = text.trim();
	return /^[\dA-Za-z]{4,6}-[\dA-Za-z]{4,6}$/.test(q) || (/^[\dA-Za-z]{9,11}$/.test(q) && /\d/.test(q) && /[A-Za-z]/.test(q));
}

function foundOf(f: Feature): Found {
	const text = (name: string) => String(f.properties?.[name] ?? "");
	return { uid: text("uid"), name: text("name"), address: text("address"), status: text("status"), match: text("match") };
}
