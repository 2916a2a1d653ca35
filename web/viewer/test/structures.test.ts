import { describe, expect, test } from "vitest";
import { formatView, parseDay, parseView } from "../src/state/url";
import type { Past, Structure } from "../src/structures/api";
import { compare } from "../src/structures/compare";
import { cut, cuttable } from "../src/structures/cut";
import { meantAsUid } from "../src/structures/find";
import { byFloor, byWing } from "../src/structures/floors";
import { groundArea, outlines, roundLength } from "../src/structures/outline";
import { floorsOf, parsePlan, unitCount } from "../src/structures/plan";
import { timeline } from "../src/structures/timeline";
import { parseUid } from "../src/structures/uid";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

describe("a structure's number", () => {
	test.each([
		["00000-0001J", "00000-0001J"],
		["12345-67890", "12345-67890"],
		["abcdefghjw", "ABCDE-FGHJW"],
		["  zzzzz zzzzg ", "ZZZZZ-ZZZZG"],
		["7k3q9-f2dxj", "7K3Q9-F2DXJ"],
		["7K3Q9F2DXJ", "7K3Q9-F2DXJ"],
		["OOOOO-OOOlj", "00000-0001J"],
	])("%s is read as %s", (text, want) => {
		expect(parseUid(text)).toEqual({ uid: want });
	});

	test("every single wrong character and every swap of neighbours is noticed", () => {
		const right = "7K3Q9F2DXJ";
		for (let i = 0; i < 10; i++) {
			for (const c of alphabet) {
				if (c !== right[i]) expect(parseUid(right.slice(0, i) + c + right.slice(i + 1))).toHaveProperty("wrong");
			}
			const [a = "", b = ""] = right.slice(i, i + 2);
			if (b && a !== b) expect(parseUid(right.slice(0, i) + b + a + right.slice(i + 2))).toHaveProperty("wrong");
		}
	});

	test("what is likely wrong is told", () => {
		expect(parseUid("12345-67891")).toEqual({ wrong: { kind: "swapped", position: 5, likely: "12346-57891" } });
		expect(parseUid("7K3Q9-F2DX")).toEqual({ wrong: { kind: "length", count: 9 } });
		expect(parseUid("7K3Q9-F2D*J")).toEqual({ wrong: { kind: "character", position: 9, character: "*" } });
		expect(parseUid("00000-00000")).toEqual({ wrong: { kind: "reserved" } });
		const slip = parseUid("7K3Q9-FZDXJ");
		expect("wrong" in slip && slip.wrong).toMatchObject({ position: 7 });
	});

	test.each([
		["7K3Q9-F2DXJ", true],
		["7k3q9f2dxj", true],
		["7K3Q9-F2DX", true],
		["Shivaji Park", false],
		["playground", false],
		["2026-11-23", false],
		["98200 12345", false],
	])("%s may be meant as one: %s", (text, want) => {
		expect(meantAsUid(text)).toBe(want);
	});
});

describe("the page in the address", () => {
	test("keeps structure, day and comparison", () => {
		for (const s of ["?structure=7K3Q9-F2DXJ", "?structure=7K3Q9-F2DXJ&asof=2025-01-31&than=now", "?structure="])
			expect(formatView(parseView(s))).toBe(s);
	});

	test("comes before a card, and drops days that are none", () => {
		const v = parseView("?structure=x&sel=wards/1&here=19,72&asof=2025-02-30&than=soon");
		expect(v).toMatchObject({ structure: { uid: "x", asof: "", than: null }, selection: null, here: null });
		expect(parseDay("2024-02-29")).toBe("2024-02-29");
	});
});

const square: GeoJSON.Polygon = {
	type: "Polygon",
	coordinates: [
		[
			[72.84, 19],
			[72.841, 19],
			[72.841, 19.001],
			[72.84, 19.001],
			[72.84, 19],
		],
	],
};

describe("the drawing of an outline", () => {
	test("keeps its shape, north up, inside its frame", () => {
		const [d] = outlines([square], 240, 10) ?? [];
		const points = [...(d?.path ?? "").matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])] as const);
		const xs = points.map((p) => p[0]);
		const ys = points.map((p) => p[1]);
		// A thousandth of a degree is 111.2 m north, and cos 19° of that east.
		expect(Math.max(...ys) - Math.min(...ys)).toBeCloseTo(220, 0);
		expect((Math.max(...xs) - Math.min(...xs)) / 220).toBeCloseTo(Math.cos((19 * Math.PI) / 180), 2);
		expect(points[0]?.[1]).toBeGreaterThan(points[2]?.[1] ?? 999); // the south is below
		expect(d?.perMetre).toBeCloseTo(220 / 111.195, 3);
		expect(d?.bar).toBe(20);
	});

	test("measures several parts, and nothing where there is no area", () => {
		const two: GeoJSON.GeometryCollection = { type: "GeometryCollection", geometries: [square, square] };
		expect(groundArea(two)).toBeCloseTo(2 * groundArea(square), 3);
		expect(groundArea({ type: "Point", coordinates: [72, 19] })).toBe(0);
		expect(outlines([null], 240, 10)).toBeNull();
		expect([0.7, 3, 6, 44, 199].map(roundLength)).toEqual([0.5, 2, 5, 20, 100]);
	});
});

describe("an outline cut in two", () => {
	const ring = (g: GeoJSON.Polygon) => g.coordinates[0] ?? [];

	test("has parts that make up the whole, the larger first, with the cut in common", () => {
		const parts = cut(square, [
			[72.8403, 18.9],
			[72.8403, 19.2],
		]);
		const [large, small] = parts ?? [];
		if (!large || !small) throw new Error("not cut");
		expect(groundArea(large) + groundArea(small)).toBeCloseTo(groundArea(square), 0);
		expect(groundArea(small) / groundArea(square)).toBeCloseTo(0.3, 3);
		const shared = ring(large).filter((p) => ring(small).some((q) => q[0] === p[0] && q[1] === p[1]));
		expect(new Set(shared.map(String)).size).toBe(2);
		for (const part of [large, small]) expect(ring(part)[0]).toEqual(ring(part).at(-1));
	});

	test("is refused where the line misses it, or would make three of it", () => {
		expect(
			cut(square, [
				[72.9, 18.9],
				[72.9, 19.2],
			]),
		).toBeNull();
		// A U, cut across both arms.
		const u = [
			[0, 0],
			[3, 0],
			[3, 3],
			[2, 3],
			[2, 1],
			[1, 1],
			[1, 3],
			[0, 3],
			[0, 0],
		].map(([x = 0, y = 0]) => [72 + x / 1000, 19 + y / 1000]);
		const across = [
			[72, 19.002],
			[72.003, 19.002],
		] as const;
		expect(cut({ type: "Polygon", coordinates: [u] }, [[...across[0]], [...across[1]]])).toBeNull();
		expect(cuttable({ type: "Polygon", coordinates: [u, u] })).toBe(false);
	});
});

const place = { collection: "buildings", id: "b1", rev: 3 };
const before: Structure = {
	uid: "7K3Q9-F2DXJ",
	status: { value: "in_use", basis: "survey", ...place },
	rev: 3,
	geometry: square,
	facts: [
		{ name: "floors", value: 4, ...place },
		{ name: "height_m", value: 13, unit: "m", ...place },
		{ name: "source_id", value: "x", ...place },
	],
	aliases: [{ scheme: "cts", value: "12/3", ...place }],
	units: { count: 0 },
	events: [],
	certificates: [],
	records: [],
};

describe("two days compared", () => {
	test("what changed is marked, what did not is shown too", () => {
		const after: Structure = {
			...before,
			status: { ...before.status, value: "vacant" },
			facts: [
				{ name: "floors", value: 5, ...place },
				{ name: "height_m", value: 13, unit: "m", ...place },
			],
			units: { count: 3 },
			certificates: [{ state: "expired", ...place, collection: "fire_noc" }],
		};
		const rows = compare(before, after);
		const names = (changed: boolean) =>
			rows.filter((r) => r.changed === changed).map((r) => ("name" in r.row ? r.row.name : r.row.kind));
		expect(names(true)).toEqual(["status", "floors", "units", "fire_noc"]);
		expect(names(false)).toEqual(["height_m", "area", "cts"]);
		expect(compare(before, before).some((r) => r.changed)).toBe(false);
	});

	test("a structure that was not there yet differs in all it has", () => {
		expect(compare(null, before).every((r) => r.changed)).toBe(true);
	});

	test("an outline that moved is a change though its area is the same", () => {
		const moved = { ...square, coordinates: square.coordinates.map((r) => r.map(([x = 0, y = 0]) => [x + 0.0001, y])) };
		const row = compare(before, { ...before, geometry: moved }).find((r) => r.row.kind === "area");
		expect(row?.changed).toBe(true);
	});
});

describe("the timeline", () => {
	const version = (rev: number, properties: Record<string, unknown>) => ({
		collection: "buildings",
		id: "b1",
		rev,
		recorded: `2026-01-0${rev}T10:00:00Z`,
		properties,
	});
	const past: Past = {
		events: [{ id: "e-1", kind: "corrected", date: "2025-12-01", rev: 3 }],
		versions: [
			version(1, { floors: 4, uid: "a" }),
			version(2, { floors: 4, uid: "a" }),
			version(3, { floors: 5, uid: "a" }),
			version(4, { floors: 6, uid: "a" }),
		],
	};

	test("has events with what they changed, and new data between, newest first", () => {
		const told = timeline(past).map((m) => [
			m.rev,
			m.event?.kind ?? (m.first ? "first" : "data"),
			m.time.slice(0, 10),
			m.changes,
		]);
		expect(told).toEqual([
			[4, "data", "2026-01-04", [{ field: "floors", from: 5, to: 6 }]],
			[3, "corrected", "2025-12-01", [{ field: "floors", from: 4, to: 5 }]],
			[1, "first", "2026-01-01", []],
		]);
	});
});

test("floors go from the deepest basement up", () => {
	const rows = ["01", "B2", "00", "10", "B1", "02"].map((floor) => ({ ...place, properties: { floor } }));
	expect(byFloor(rows).map(([f]) => f)).toEqual(["B2", "B1", "00", "01", "02", "10"]);
});

test("units are grouped by wing, those of none first", () => {
	const rows = ["B", "", "A10", "A2", "B"].map((wing, i) => ({ id: String(i), properties: wing ? { wing } : {} }) as never);
	expect(byWing(rows).map(([w, units]) => [w, units.length])).toEqual([
		["", 1],
		["A2", 1],
		["A10", 1],
		["B", 2],
	]);
});

describe("units of a plan", () => {
	test("are read from a spreadsheet's rows, and from floors written as a range", () => {
		const lines = parsePlan("From\tTo\tUnits\nB1\t\t2\tparking\t\n1\t7\t4\tflat\t62.5\r\n08-10; 2; office\n");
		expect(floorsOf(lines)).toEqual([
			{ from: "B1", units: 2, use: "parking" },
			{ from: "01", to: "07", units: 4, use: "flat", area_m2: 62.5 },
			{ from: "08", to: "10", units: 2, use: "office" },
		]);
		expect(unitCount(lines)).toBe(2 + 28 + 6);
		expect(parsePlan("one word")).toEqual([]);
	});

	test("from a basement to the first floor are three floors; what is no floor is left for the server to refuse", () => {
		const line = { from: "b1", to: "1", units: "2", use: "", area: "", wing: "A" };
		expect(floorsOf([line])).toEqual([{ from: "B1", to: "01", wing: "A", units: 2 }]);
		expect(unitCount([line])).toBe(6);
		expect(floorsOf([{ ...line, from: "roof", to: "" }])).toEqual([{ from: "ROOF", wing: "A", units: 2 }]);
		expect(floorsOf([{ ...line, from: " ", units: "" }])).toEqual([]);
	});
});

describe("findings in the timeline", () => {
	test("stand where they were found and settled", () => {
		const version = (rev: number, recorded: string, floors: number) => ({
			collection: "buildings",
			id: "b",
			rev,
			recorded,
			properties: { floors },
		});
		const past: Past = { events: [], versions: [version(1, "2026-01-01T00:00:00Z", 3), version(9, "2026-03-01T00:00:00Z", 4)] };
		const finding = {
			id: "f",
			rule: "floors",
			severity: "high",
			state: "resolved" as const,
			found_at: "2026-03-02T00:00:00Z",
			closed_at: "2026-04-01T00:00:00Z",
		};
		const told = timeline(past, [finding]).map((m) => (m.finding ? `finding ${m.finding.closed}` : m.rev));
		expect(told).toEqual(["finding true", "finding false", 9, 1]);
	});
});
