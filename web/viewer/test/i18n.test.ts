import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { accessDictionaries } from "../src/access/words";
import { deskDictionaries } from "../src/desk/words";
import { drawingDictionaries } from "../src/editing/words";
import { knownCategories } from "../src/facilities/categories";
import { dictionaries, humanise, preferredLanguage } from "../src/i18n";
import { en } from "../src/i18n/en";
import { structureDictionaries } from "../src/structures/words";
import { refusals } from "../src/structures/words/refusals";
import type { Language } from "../src/style/types";

const placeholders = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

const sets: Readonly<Record<string, Readonly<Record<Language, Readonly<Record<string, string>>>>>> = {
	"the map": dictionaries,
	"sign-in and administration": accessDictionaries,
	structures: structureDictionaries,
	"the departments' desks": deskDictionaries,
	refusals,
	editing: drawingDictionaries,
};
const translated: readonly (readonly [string, Language])[] = Object.keys(sets).flatMap((s) => [
	[s, "mr"] as const,
	[s, "hi"] as const,
]);

describe("language files", () => {
	test.each(translated)("%s in %s has every key, filled, with the same placeholders", (set, language) => {
		const d = sets[set]?.[language] ?? {};
		const english = sets[set]?.en ?? {};
		expect(Object.keys(d).sort()).toEqual(Object.keys(english).sort());
		for (const [key, text] of Object.entries(english)) {
			expect(d[key]?.trim(), key).toBeTruthy();
			expect(placeholders(d[key] ?? ""), key).toEqual(placeholders(text));
		}
	});

	test.each(translated)("%s in %s is in Devanagari", (set, language) => {
		for (const [key, text] of Object.entries(sets[set]?.[language] ?? {})) {
			const words = text.replace(/\{\w+\}|https|3D|2D/g, "");
			if (/\p{L}/u.test(words)) expect(words, key).toMatch(/\p{Script=Devanagari}/u);
		}
	});

	test("every category of facilities has a name", () => {
		for (const c of knownCategories) expect(Object.keys(en), c).toContain(`cat.${c}`);
	});

	test("every rule of the register has its words, and no words are of a rule that is none", () => {
		const folder = new URL("../../../internal/registry/", import.meta.url);
		const rules = readdirSync(folder, { recursive: true, encoding: "utf8" })
			.filter((f) => f.endsWith(".go") && !f.endsWith("_test.go"))
			.flatMap((f) => [...readFileSync(new URL(f, folder), "utf8").matchAll(/\b(?:refuse\(|Code: )"(\w+)"/g)].map((m) => m[1]));
		expect(Object.keys(refusals.en).sort()).toEqual([...new Set(rules)].sort());
	});

	test("every key in the code exists, and every plain key is used", () => {
		const source = files()
			.map((f) => readFileSync(f, "utf8"))
			.join("\n");
		const used = new Set([...source.matchAll(/["'`]([a-z]\w*(?:\.\w+)*)["'`]/g)].map((m) => m[1] ?? ""));
		for (const m of source.matchAll(/\bt\(\s*"([^"]+)"/g)) expect(Object.keys(en)).toContain(m[1]);
		for (const m of source.matchAll(/\bsay\(\s*"([^"]+)"/g)) expect(Object.keys(accessDictionaries.en)).toContain(m[1]);
		for (const m of source.matchAll(/\btell\(\s*"([^"]+)"/g)) expect(Object.keys(structureDictionaries.en)).toContain(m[1]);
		for (const m of source.matchAll(/\blabel\(\s*"([^"]+)"/g)) expect(Object.keys(deskDictionaries.en)).toContain(m[1]);
		for (const m of source.matchAll(/\bspeak\(\s*"([^"]+)"/g)) expect(Object.keys(drawingDictionaries.en)).toContain(m[1]);
		const runtime =
			/^(cat|col|one|f|v|unit|theme|class|role|right|action|kind|status|scheme|event|match|cert|act|verdict|part|find|review|plan)\./;
		for (const [set, d] of Object.entries(sets)) {
			// These are made of what the server says.
			if (set === "refusals") continue;
			const unused = Object.keys(d.en).filter((k) => !runtime.test(k) && !used.has(k));
			expect(unused, set).toEqual([]);
		}
	});

	test("no text is written into the interface", () => {
		const found: string[] = [];
		for (const f of files().filter((x) => x.endsWith(".tsx"))) {
			const code = readFileSync(f, "utf8")
				.replace(/\/\*[\s\S]*?\*\//g, "")
				.replace(/^\s*\/\/.*$/gm, "");
			for (const m of code.matchAll(/<\/?[a-zA-Z][^<>]*>([^<>{}]*[A-Za-z]{2,}[^<>{}]*)</g)) {
				// Code between two generics or comparisons looks like text; real text has no such signs.
				if (!/[=;()&|]/.test(m[1] ?? "")) found.push(`${f}: ${m[1]?.trim()}`);
			}
			for (const m of code.matchAll(/\b(?:aria-label|title|placeholder|alt|aria-valuetext)="([^"]*[A-Za-z]{2,}[^"]*)"/g)) {
				found.push(`${f}: ${m[0]}`);
			}
		}
		expect(found).toEqual([]);
	});
});

describe("choosing a language", () => {
	test("is the browser's first that is ours, else Marathi", () => {
		expect(preferredLanguage(["hi-IN", "en"])).toBe("hi");
		expect(preferredLanguage(["fr", "en-GB"])).toBe("en");
		expect(preferredLanguage(["ta-IN"])).toBe("mr");
		expect(preferredLanguage([])).toBe("mr");
	});

	test("names without a title become readable", () => {
		expect(humanise("slum_clusters")).toBe("Slum clusters");
	});
});

function files(): string[] {
	const root = new URL("../src/", import.meta.url);
	return readdirSync(root, { recursive: true, encoding: "utf8" })
		.filter((f) => /\.tsx?$/.test(f) && !/^(i18n|(access|structures|desk)[\\/]words)[\\/](en|mr|hi)\.ts$/.test(f))
		.map((f) => new URL(f, root).pathname);
}
