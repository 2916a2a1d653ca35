import { describe, expect, test } from "vitest";
import { emptyView, formatView, parsePlace, parseView, type ViewState } from "../src/state/url";

const full: ViewState = {
	camera: { zoom: 15.25, lat: 19.07283, lon: 72.88261, bearing: -18, pitch: 58 },
	language: "mr",
	theme: "dark",
	threeD: true,
	layers: { prabhags: { on: true }, rail: { on: false }, slum_clusters: { on: undefined, opacity: 0.6 } },
	selection: { collection: "facilities", id: "123" },
	here: { lon: 72.88261, lat: 19.07283 },
	panel: "near",
	near: { category: "hospital", lon: 72.8826, lat: 19.0728, me: false },
	query: "दादर & co",
	page: { name: "accounts", item: "a1/b c" },
	structure: null,
	desk: { name: "findings", item: "tax:7K3Q9-F2DXJ/1", where: { ward: "K/E", owner: "Water, Works ~ Roads", sort: "-found_at" } },
};

describe("the view in the address", () => {
	test("comes back as it was", () => {
		const back = parseView(formatView(full));
		expect(back).toEqual({
			...full,
			layers: {
				prabhags: { on: true, opacity: undefined },
				rail: { on: false, opacity: undefined },
				slum_clusters: { on: undefined, opacity: 0.6 },
			},
		});
		expect(formatView(back)).toBe(formatView(full));
	});

	test("a desk's filter is readable, and what is no filter is dropped", () => {
		expect(formatView({ ...emptyView, desk: { name: "reviews", item: "", where: { ward: "K/E", state: "all", x: "" } } })).toBe(
			"?desk=reviews&where=state:all,ward:K/E",
		);
		expect(parseView("?desk=reviews&where=a,:b,C:d,ward:").desk).toEqual({ name: "reviews", item: "", where: {} });
		expect(parseView("?desk=kitchen").desk).toBeNull();
	});

	test("nothing chosen is an empty query", () => {
		expect(formatView(emptyView)).toBe("");
		expect(parseView("")).toEqual(emptyView);
	});

	test("is readable", () => {
		expect(formatView({ ...emptyView, camera: full.camera, selection: full.selection })).toBe(
			"?at=15.25/19.07283/72.88261/-18/58&sel=facilities/123",
		);
	});

	test("an id with a slash survives", () => {
		const selection = { collection: "facilities", id: "node/34/ü?&" };
		expect(parseView(formatView({ ...emptyView, selection })).selection).toEqual(selection);
	});

	test.each([
		"?at=NaN/1/2",
		"?at=12",
		"?at=99/0/0",
		"?at=12/95/0",
		"?lang=xx",
		"?theme=pink",
		"?sel=facilities",
		"?sel=/1",
		"?near=hospital",
		"?near=hospital@200,900",
		"?here=1",
		"?layers=<script>",
		"?panel=secret",
		"?%",
	])("what is malformed is ignored: %s", (search) => {
		expect(parseView(search)).toEqual(emptyView);
	});

	test.each([
		["19.07283, 72.88261", { lat: 19.07283, lon: 72.88261 }],
		["19.07283 72.88261", { lat: 19.07283, lon: 72.88261 }],
		["-33.9;18.4", { lat: -33.9, lon: 18.4 }],
		["91,0", null],
		["dadar", null],
		["19", null],
	] as const)("coordinates as people write them: %s", (text, want) => {
		expect(parsePlace(text)).toEqual(want);
	});
});
