import { expect, test } from "vitest";
import { drawn, geometryOf, isWhole, kindsOf, noShape, type Shape, shapeOf, tapped, without } from "../src/editing/shape";

// A screen on which a degree is a thousand pixels.
const project = (p: readonly [number, number]): readonly [number, number] => [p[0] * 1000, p[1] * 1000];
const tap = (s: Shape, x: number, y: number): Shape => tapped(s, [x, y], [x, y], project, 12);

test("taps make a line and an area, and a point moves", () => {
	let s = noShape("line");
	expect(geometryOf(s)).toBeNull();
	for (const [x, y] of [
		[0, 0],
		[1, 0],
		[1, 1],
	] as const)
		s = tap(s, x, y);
	expect(geometryOf(s)).toEqual({
		type: "LineString",
		coordinates: [
			[0, 0],
			[1, 0],
			[1, 1],
		],
	});
	const area = { ...s, kind: "polygon" as const };
	expect(geometryOf(area)).toEqual({
		type: "Polygon",
		coordinates: [
			[
				[0, 0],
				[1, 0],
				[1, 1],
				[0, 0],
			],
		],
	});
	let p = tap(noShape("point"), 3, 4);
	p = tap(p, 5, 6);
	expect(geometryOf(p)).toEqual({ type: "Point", coordinates: [5, 6] });
});

test("a corner is taken up, put down and removed; an edge gets a corner", () => {
	const square: Shape = {
		kind: "polygon",
		points: [
			[0, 0],
			[1, 0],
			[1, 1],
			[0, 1],
		],
		held: -1,
	};
	const held = tap(square, 1.005, 1.005);
	expect(held.held).toBe(2);
	expect(tap(held, 2, 2).points[2]).toEqual([2, 2]);
	expect(without(held).points).toHaveLength(3);
	// The closing edge too.
	expect(tap(square, 0, 0.5).points).toHaveLength(5);
	expect(tap(square, 0, 0.5).points[4]).toEqual([0, 0.5]);
	expect(isWhole(without(without(held)))).toBe(true);
	expect(drawn(square).features).toHaveLength(5);
});

test("what is stored comes back as it was, and what has parts is left alone", () => {
	for (const g of [
		{ type: "Point", coordinates: [72.8, 19.1] },
		{
			type: "LineString",
			coordinates: [
				[72.8, 19.1],
				[72.81, 19.1],
			],
		},
		{
			type: "Polygon",
			coordinates: [
				[
					[72.8, 19.1],
					[72.81, 19.1],
					[72.81, 19.2],
					[72.8, 19.1],
				],
			],
		},
	] as const) {
		const s = shapeOf(g as unknown as GeoJSON.Geometry);
		expect(s && geometryOf(s)).toEqual(g);
	}
	expect(shapeOf({ type: "MultiPoint", coordinates: [] })).toBeNull();
	expect(shapeOf({ type: "Polygon", coordinates: [[], []] })).toBeNull();
	expect(shapeOf(null)).toBeNull();
	expect(kindsOf("none")).toEqual([]);
	expect(kindsOf("any")).toHaveLength(3);
});
