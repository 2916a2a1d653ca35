// Structure UIDs as people type them (docs/registry.md): ten characters of Crockford
// base 32 with a check character over GF(32), polynomial x⁵+x²+1, α = 2. What is
// wrong with one is told here, in the reader's language, without asking the server.

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export type Malformed =
	| { readonly kind: "length"; readonly count: number }
	| { readonly kind: "character"; readonly position: number; readonly character: string }
	| { readonly kind: "swapped"; readonly position: number; readonly likely: string }
	| { readonly kind: "mistaken"; readonly position: number; readonly from: string; readonly to: string; readonly likely: string }
	/** Several slips would explain it: the likeliest place. */
	| { readonly kind: "near"; readonly position: number }
	| { readonly kind: "check" }
	/** 00000-00000, which no structure has. */
	| { readonly kind: "reserved" };

export type Parsed = { readonly uid: string } | { readonly wrong: Malformed };

/** Characters that people take for one another. */
const pairs = [
	"8B",
	"5S",
	"2Z",
	"0D",
	"0Q",
	"DQ",
	"6G",
	"17",
	"VY",
	"VW",
	"MN",
	"CG",
	"EF",
	"4A",
	"PR",
	"KX",
	"3E",
	"38",
	"69",
	"1J",
	"UV",
];

function times2(v: number): number {
	const w = v << 1;
	return w & 32 ? w ^ 0b100101 : w;
}

/** αⁱ·v */
function scale(i: number, v: number): number {
	let w = v;
	for (let n = 0; n < i; n++) w = times2(w);
	return w;
}

function syndrome(v: readonly number[]): number {
	return v.reduce((sum, x, i) => sum ^ scale(i, x), 0);
}

function write(v: readonly number[]): string {
	const s = v.map((x) => alphabet[x] ?? "").join("");
	return `${s.slice(0, 5)}-${s.slice(5)}`;
}

function digit(character: string): number {
	const c = character.toUpperCase();
	if (c === "I" || c === "L") return 1;
	if (c === "O") return 0;
	return alphabet.indexOf(c);
}

/** Reads a UID with or without its dash, in any case, with I and L as 1 and O as 0. */
export function parseUid(text: string): Parsed {
	const characters = [...text.trim()].filter((c, i) => !(i === 5 && (c === "-" || c === " ")));
	const v: number[] = [];
	for (const [i, c] of characters.entries()) {
		const x = digit(c);
		if (x < 0) return { wrong: { kind: "character", position: i + 1, character: c } };
		v.push(x);
	}
	if (v.length !== 10) return { wrong: { kind: "length", count: v.length } };
	if (syndrome(v) !== 0) return { wrong: blame(v) };
	return v.every((x) => x === 0) ? { wrong: { kind: "reserved" } } : { uid: write(v) };
}

/** Finds the slip that explains a failed check: two swapped, or one taken for another. */
function blame(v: readonly number[]): Malformed {
	const found: Malformed[] = [];
	const sum = syndrome(v);
	for (let i = 0; i < 9; i++) {
		const w = [...v];
		[w[i], w[i + 1]] = [v[i + 1] ?? 0, v[i] ?? 0];
		if (v[i] !== v[i + 1] && syndrome(w) === 0) found.push({ kind: "swapped", position: i + 1, likely: write(w) });
	}
	for (let i = 0; i < 10; i++) {
		// The one value here that makes the sum zero: divided by αⁱ, α³¹ being 1.
		const fixed = (v[i] ?? 0) ^ scale((31 - i) % 31, sum);
		const from = alphabet[v[i] ?? 0] ?? "";
		const to = alphabet[fixed] ?? "";
		if (!pairs.some((p) => p === from + to || p === to + from)) continue;
		const w = [...v];
		w[i] = fixed;
		found.push({ kind: "mistaken", position: i + 1, from, to, likely: write(w) });
	}
	const first = found[0];
	if (!first) return { kind: "check" };
	return found.length > 1 && "position" in first ? { kind: "near", position: first.position } : first;
}
