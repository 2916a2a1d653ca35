import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";
import { describe, expect, test } from "vitest";
import { buildStyle, designedCollections, sourceGroups } from "../src/style";
import { noOverlays } from "../src/style/overlays";
import { categorical, palettes } from "../src/style/palette";
import type { StyleInput } from "../src/style/types";

const input: StyleInput = {
	theme: "light",
	language: "en",
	base: "http://localhost",
	collections: new Set([...designedCollections, "slum_clusters"]),
	threeD: true,
	maxzoom: 16,
	grouped: true,
	hidden: new Set(),
	opacity: { buildings: 0.5 },
	generated: [
		{
			collection: "slum_clusters",
			geometry: "any",
			color: "#0072B2",
			hasName: true,
			categories: { field: "kind", values: [["a", "#D55E00"]] },
		},
	],
	icons: true,
	areaNames: true,
	labels: true,
};

describe("the style", () => {
	test.each(
		(["light", "dark"] as const).flatMap((theme) =>
			(["en", "mr", "hi"] as const).flatMap((language) => [
				[theme, language, true, true] as const,
				[theme, language, false, false] as const,
			]),
		),
	)("%s in %s is valid (grouped %s)", (theme, language, grouped, icons) => {
		const style = buildStyle({ ...input, theme, language, grouped, icons, areaNames: icons }, icons ? noOverlays : undefined);
		expect(validateStyleMin(style as never).map((e) => e.message)).toEqual([]);
		const ids = style.layers.map((l) => l.id);
		expect(new Set(ids).size).toBe(ids.length);
	});

	test("has no glyphs, so that Devanagari is drawn by the browser", () => {
		expect(buildStyle(input)).not.toHaveProperty("glyphs");
	});

	test("asks only for collections that exist", () => {
		const style = buildStyle({ ...input, collections: new Set(["wards"]), generated: [] });
		expect(Object.keys(style.sources)).toEqual(["areas"]);
		expect(JSON.stringify(style.sources)).toContain("/tiles/wards/{z}/{x}/{y}.mvt");
		expect(style.layers.filter((l) => "source" in l && l.source === "base")).toEqual([]);
	});

	test("asks for tiles in few requests", () => {
		expect(Object.keys(sourceGroups).length).toBeLessThanOrEqual(4);
	});

	test("the city's own data stands between ground and labels", () => {
		const ids = buildStyle(input, noOverlays).layers.map((l) => l.id);
		expect(ids.indexOf("auto:slum_clusters:area")).toBeGreaterThan(ids.indexOf("land"));
		expect(ids.indexOf("auto:slum_clusters:area")).toBeLessThan(ids.indexOf("wards-name"));
	});

	test("uses the palette of the design", () => {
		expect(palettes.light).toMatchObject({
			land: "#F4F1EA",
			sea: "#C9DFE8",
			water: "#B9D6E2",
			park: "#D5E6C8",
			forest: "#BFD6B0",
			building: "#E0D8CC",
			buildingEdge: "#C7BBAA",
			roadCasing: "#D4CBBE",
			motorway: "#F3CF8A",
			rail: "#8A8580",
			ward: "#7B5EA7",
			label: "#33302C",
		});
		expect(palettes.dark).toMatchObject({
			land: "#1D2125",
			sea: "#0F1B24",
			building: "#31373D",
			road: "#3C444B",
			label: "#D9D4CB",
		});
		expect(categorical.length).toBeLessThanOrEqual(8);
	});
});
