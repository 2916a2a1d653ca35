import { beforeAll, describe, expect, test, vi } from "vitest";
import { cluster } from "../src/map/clusters";

describe("clusters", () => {
	const points = Array.from({ length: 200 }, (_, i) => ({
		lon: 72.8 + (i % 20) * 0.005,
		lat: 19 + Math.floor(i / 20) * 0.005,
		count: 1,
		category: "",
	}));

	test("count every point once, but for those that stand alone", () => {
		const total = cluster(points, 11, "en").features.reduce((n, f) => n + Number(f.properties?.count), 0);
		expect(total).toBeGreaterThan(190);
		expect(total).toBeLessThanOrEqual(200);
	});

	test("add up what the server merged", () => {
		const merged = cluster([{ lon: 72.8, lat: 19, count: 1234567, category: "" }], 11, "en");
		expect(merged.features[0]?.properties).toMatchObject({ count: 1234567, label: "12,34,567" });
	});

	test("do not depend on the order in which tiles arrive", () => {
		const a = cluster(points, 12, "en")
			.features.map((f) => f.properties?.count)
			.sort();
		const b = cluster([...points].reverse(), 12, "en")
			.features.map((f) => f.properties?.count)
			.sort();
		expect(a).toEqual(b);
	});
});

describe("live events", () => {
	let live: typeof import("../src/map/live");
	beforeAll(async () => {
		const stub = { matches: false, addEventListener: () => undefined };
		vi.stubGlobal("location", { search: "", pathname: "/", href: "http://localhost/" });
		vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
		vi.stubGlobal("matchMedia", () => stub);
		live = await import("../src/map/live");
	});

	test("a changed tile changes its parents", () => {
		expect(live.withParents(["3/5/6"])).toEqual([
			{ z: 3, x: 5, y: 6 },
			{ z: 2, x: 2, y: 3 },
			{ z: 1, x: 1, y: 1 },
			{ z: 0, x: 0, y: 0 },
		]);
		expect(live.withParents(["2/0/0", "2/1/1"])).toHaveLength(4);
	});

	test("requests name the announced revision for a while, of their own collections only", () => {
		const map = { getSource: () => undefined };
		live.refresh(map as never, "areas", { collection: "wards", rev: 42, tiles: [] });
		const now = Date.now();
		expect(live.freshTileUrl("http://x/tiles/wards,prabhags/1/0/0.mvt", now)).toBe(
			"http://x/tiles/wards,prabhags/1/0/0.mvt?minrev=42",
		);
		expect(live.freshTileUrl("http://x/tiles/roads/1/0/0.mvt", now)).toBe("http://x/tiles/roads/1/0/0.mvt");
		expect(live.freshTileUrl("http://x/tiles/wards/1/0/0.mvt", now + 60_000)).toBe("http://x/tiles/wards/1/0/0.mvt");
	});
});
