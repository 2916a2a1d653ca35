import { describe, expect, test } from "vitest";
import { areaOf, bboxOf, distanceBetween, lengthOf } from "../src/format/geodesy";
import { area, clock, distance, formatDate, formatNumber, walkMinutes } from "../src/format/numbers";

describe("numbers", () => {
	test.each(["en", "mr", "hi"] as const)("are grouped the Indian way in %s", (language) => {
		expect(formatNumber(1234567, language)).toBe("12,34,567");
		expect(formatNumber(529034, language)).toBe("5,29,034");
	});

	test.each([
		[4.26, "4.3", "m"],
		[87.4, "87", "m"],
		[454, "450", "m"],
		[1234, "1.23", "km"],
		[12345, "12.3", "km"],
		[123456, "123.5", "km"],
	])("%d m reads %s %s", (metres, text, unit) => {
		expect(distance(metres, "en")).toEqual({ text, unit });
	});

	test.each([
		[42.25, "42.3", "m2"],
		[9999, "9,999", "m2"],
		[123456, "12.35", "ha"],
		[603_400_000, "603.4", "km2"],
	])("%d m² reads %s %s", (m2, text, unit) => {
		expect(area(m2, "en")).toEqual({ text, unit });
	});

	test("dates and times are Indian and short", () => {
		expect(formatDate("2026-11-23", "en", "Asia/Kolkata")).toBe("23 Nov 2026");
		expect(formatDate("2026-11-23T20:00:00Z", "en", "Asia/Kolkata")).toMatch(/^24 Nov 2026, 01:30$/);
		expect(formatDate("soon", "en", "Asia/Kolkata")).toBe("soon");
		expect(clock(605)).toBe("10:05");
	});

	test("a walk takes at least a minute", () => {
		expect(walkMinutes(3)).toBe(1);
		expect(walkMinutes(480)).toBe(6);
	});
});

describe("measuring", () => {
	// Reference: Vincenty's inverse formula on WGS 84, 12,697.1 m from CSMT to Bandra station.
	test("a distance agrees with the ellipsoid within 0.6 %", () => {
		const d = distanceBetween([72.8355, 18.9398], [72.8407, 19.0544]);
		expect(Math.abs(d - 12697) / 12697).toBeLessThan(0.006);
	});

	test("a square of 0.01° near Mumbai has the area of its sides", () => {
		const ring = [
			[72.85, 19.0],
			[72.86, 19.0],
			[72.86, 19.01],
			[72.85, 19.01],
		] as const;
		const sides = distanceBetween(ring[0], ring[1]) * distanceBetween(ring[1], ring[2]);
		expect(Math.abs(areaOf(ring) - sides) / sides).toBeLessThan(0.001);
		expect(areaOf([...ring].reverse())).toBeCloseTo(areaOf(ring), 3);
		expect(areaOf([...ring, ring[0]])).toBeCloseTo(areaOf(ring), 3);
	});

	test("less than a line has no length, less than a triangle no area", () => {
		expect(lengthOf([])).toBe(0);
		expect(lengthOf([[72, 19]])).toBe(0);
		expect(
			areaOf([
				[72, 19],
				[73, 19],
			]),
		).toBe(0);
	});

	test("a box is found in any geometry", () => {
		expect(bboxOf({ type: "Point", coordinates: [72, 19] })).toEqual([72, 19, 72, 19]);
		expect(
			bboxOf({
				type: "MultiPolygon",
				coordinates: [
					[
						[
							[72, 18],
							[73, 18],
							[73, 19],
							[72, 18],
						],
					],
				],
			}),
		).toEqual([72, 18, 73, 19]);
		expect(bboxOf(null)).toBeNull();
	});
});
