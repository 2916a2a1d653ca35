import { describe, expect, test } from "vitest";
import type { Candidate, Finding, Reason } from "../src/desk/api";
import { compareReasons, nextOf } from "../src/desk/reasons";
import { sorted } from "../src/desk/sorted";
import { findingsFilter } from "../src/style/findings";

const reason = (part: string, weight: number, structure = ""): Reason => ({
	part,
	record: `record's ${part}`,
	structure,
	verdict: weight > 0 ? "same" : "differs",
	weight,
});

const candidate = (uid: string, ...reasons: Reason[]): Candidate => ({ uid, score: 0.5, geometry: null, reasons });

describe("the reasons of a review", () => {
	test("stand line by line, what tells the candidates apart first", () => {
		const lines = compareReasons([
			candidate("A", reason("road", 4), reason("name", 6), reason("pin", 2)),
			candidate("B", reason("road", 4), reason("name", -3)),
		]);
		expect(lines.map((l) => l.part)).toEqual(["name", "pin", "road"]);
		expect(lines[0]?.cells.map((c) => c?.weight)).toEqual([6, -3]);
		expect(lines[1]?.cells[1]).toBeNull();
		expect(lines[2]?.record).toBe("record's road");
	});

	test("of two for one part the stronger is shown; without reasons there are no lines", () => {
		const [line] = compareReasons([candidate("A", reason("road", 1, "weak"), reason("road", -5, "strong"))]);
		expect(line?.cells[0]?.structure).toBe("strong");
		expect(compareReasons([candidate("A"), candidate("B")])).toEqual([]);
	});
});

describe("the way through the queue", () => {
	const queue = ["a", "b", "c"].map((id) => ({ id }));
	test("goes on, begins again at the end, and passes over what was decided", () => {
		expect(nextOf(queue, "a", new Set())).toBe("b");
		expect(nextOf(queue, "c", new Set())).toBe("a");
		expect(nextOf(queue, "a", new Set(["a", "b"]))).toBe("c");
		expect(nextOf(queue, "c", new Set(["a", "b", "c"]))).toBe("");
		expect(nextOf([], "x", new Set())).toBe("");
		// One that a link opened is in no list: the list's first comes after it.
		expect(nextOf(queue, "x", new Set(["a"]))).toBe("b");
	});
});

describe("findings on the map", () => {
	test("are those of the list", () => {
		expect(findingsFilter({})).toEqual(["all", ["==", ["get", "state"], "open"]]);
		expect(findingsFilter({ state: "all", ward: "K/E", sort: "-ward" })).toEqual(["all", ["==", ["get", "ward"], "K/E"]]);
	});
});

describe("the order of findings", () => {
	const of = (id: string, severity: string, found_at: string, ward = ""): Finding => ({
		id,
		rule: "r",
		severity,
		ward,
		state: "open",
		found_at,
	});
	const all = [
		of("a", "low", "2026-11-01T00:00:00Z", "L"),
		of("b", "high", "2026-10-01T00:00:00Z", "A"),
		of("c", "medium", "2026-12-01T00:00:00Z"),
	];
	test.each([
		["-severity", "bca"],
		["severity", "acb"],
		["-found_at", "cab"],
		["ward", "cba"],
		["rule", "abc"],
	])("by %s", (by, want) => {
		expect(
			sorted(all, by)
				.map((f) => f.id)
				.join(""),
		).toBe(want);
	});
});
