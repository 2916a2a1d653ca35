import { describe, expect, test } from "vitest";
import { openAt, type WallTime, wallTime } from "../src/hours";
import { parseHours } from "../src/hours/parse";

/** Monday 23 November 2026 at a time of day, or some days later. */
function at(time: string, days = 0, month = 11, day = 23): WallTime {
	const [h = 0, m = 0] = time.split(":").map(Number);
	const t = new Date(Date.UTC(2026, month - 1, day + days));
	return { year: t.getUTCFullYear(), month: t.getUTCMonth() + 1, day: t.getUTCDate(), minute: h * 60 + m };
}

const [mon, tue, wed, fri, sat, sun] = [0, 1, 2, 4, 5, 6];
const until = (h: number, m = 0, days = 0) => ({ days, minute: h * 60 + m });

describe("opening hours", () => {
	const cases: readonly [string, WallTime, "open" | "closed" | "unknown", unknown?][] = [
		["24/7", at("03:00", sun), "open", null],
		["Mo-Fr 09:00-17:30", at("10:00", mon), "open", until(17, 30)],
		["Mo-Fr 09:00-17:30", at("17:30", mon), "closed", until(9, 0, 1)],
		["Mo-Fr 09:00-17:30", at("08:59", mon), "closed", until(9)],
		["Mo-Fr 09:00-17:30", at("18:00", fri), "closed", until(9, 0, 3)],
		["Mo-Sa 09:00-13:00,15:00-20:00", at("14:00", tue), "closed", until(15)],
		["Mo-Sa 09:00-13:00,15:00-20:00", at("16:00", tue), "open", until(20)],
		["Mo,We,Fr 10:00-12:00", at("11:00", tue), "closed", until(10, 0, 1)],
		["Mo,We,Fr 10:00-12:00", at("11:00", wed), "open", until(12)],
		["09:00-20:00", at("19:59", sun), "open", until(20)],
		["09:00-20:00; Su off", at("12:00", sun), "closed", until(9, 0, 1)],
		["Mo-Fr 09:00-17:00; We 09:00-13:00", at("14:00", wed), "closed", until(9, 0, 1)],
		["Mo-Fr 09:00-17:00, Sa 10:00-12:00", at("11:00", sat), "open", until(12)],
		["Mo-Fr 08:00-12:00, We 14:00-18:00", at("15:00", wed), "open", until(18)],
		["Mo-Fr 08:00-12:00, We 14:00-18:00", at("09:00", wed), "open", until(12)],
		["Fr-Sa 20:00-02:00", at("01:00", sat), "open", until(2)],
		["Fr-Sa 20:00-02:00", at("01:00", sun), "open", until(2)],
		["Fr-Sa 20:00-02:00", at("23:00", sat), "open", until(2, 0, 1)],
		["Fr-Sa 20:00-02:00", at("03:00", sat), "closed", until(20)],
		["Sa-Mo 10:00-12:00", at("11:00", mon), "open", until(12)],
		["Sa-Mo 10:00-12:00", at("11:00", tue), "closed", until(10, 0, 4)],
		["Mo-Su 00:00-24:00", at("12:00", wed), "open", null],
		// 28 November 2026 is the fourth Saturday, 21 the third.
		["Mo-Sa 10:00-16:00; Sa[2,4] off", at("11:00", sat), "closed", until(10, 0, 2)],
		["Mo-Sa 10:00-16:00; Sa[2,4] off", at("11:00", 0, 11, 21), "open", until(16)],
		["Mo-Fr 10:00-16:00; Sa[-1] 10:00-12:00", at("11:00", sat), "open", until(12)],
		["Jun-Sep Mo-Su 08:00-18:00", at("12:00", mon), "closed", null],
		["Nov-Feb Mo-Su 08:00-18:00", at("12:00", mon), "open", until(18)],
		// Republic Day, a Tuesday in 2027, is a holiday on a fixed date.
		["Mo-Sa 09:00-18:00; PH off", at("12:00", 0, 13, 26), "closed", until(9, 0, 1)],
		["Mo-Sa 09:00-18:00; PH off", at("12:00", mon), "open", until(18)],
		["Mo-Fr 09:00-17:00; off", at("12:00", mon), "closed", null],
		["18:00-22:00+", at("19:00", mon), "open", until(22)],
		["18:00-22:00+", at("23:00", mon), "unknown"],
		["18:00+", at("19:00", mon), "unknown"],
		["18:00+", at("10:00", mon), "closed", until(18)],
		["Mo-Fr sunrise-sunset", at("12:00", mon), "unknown"],
		["by appointment", at("12:00", mon), "unknown"],
		['Mo-Fr 09:00-17:00 "by appointment"', at("12:00", mon), "unknown"],
		["Mo-Fr 09:00-17:00 || 24/7", at("12:00", mon), "unknown"],
		["SH Mo-Fr 09:00-12:00", at("12:00", mon), "unknown"],
		["Jan 26 off", at("12:00", mon), "unknown"],
		["week 1-10 Mo 09:00-12:00", at("12:00", mon), "unknown"],
		["Mo-Fr 25:00-26:00", at("12:00", mon), "unknown"],
		["Mo-Fr 09:60-17:00", at("12:00", mon), "unknown"],
		["Mo-Fr 9am-5pm", at("12:00", mon), "unknown"],
		["Mon-Fri 09:00-17:00", at("12:00", mon), "unknown"],
		["", at("12:00", mon), "unknown"],
	];
	test.each(cases)("%s at %o is %s", (hours, now, state, when) => {
		const got = openAt(hours, now);
		expect(got.state).toBe(state);
		if (got.state === "open") expect(got.until).toEqual(when);
		if (got.state === "closed") expect(got.opens).toEqual(when);
	});

	test("a value that names holidays says that they matter", () => {
		expect(openAt("Mo-Sa 09:00-18:00; PH off", at("12:00"))).toMatchObject({ holidays: true });
		expect(openAt("Mo-Sa 09:00-18:00", at("12:00"))).toMatchObject({ holidays: false });
	});

	test("missing hours are unknown, not closed", () => {
		expect(openAt(null, at("12:00"))).toEqual({ state: "unknown" });
		expect(openAt(undefined, at("12:00"))).toEqual({ state: "unknown" });
	});

	test("no text makes the parser throw", () => {
		const pieces = [
			"Mo",
			"-",
			",",
			";",
			" ",
			"09:00",
			"24/7",
			"off",
			"PH",
			"[",
			"]",
			"+",
			"Jan",
			'"',
			"||",
			"99:99",
			"Sa[2]",
			":",
		];
		const seed = Number(process.env.SEED ?? 20261123);
		let state = seed;
		const random = () => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return state / 2 ** 32;
		};
		for (let i = 0; i < 3000; i++) {
			const text = Array.from({ length: 1 + random() * 9 }, () => pieces[Math.floor(random() * pieces.length)]).join("");
			expect(() => openAt(text, at("12:00")), `SEED=${seed} ${text}`).not.toThrow();
		}
	});

	test("spaces and long dashes do not matter", () => {
		expect(parseHours(" Mo–Fr  09:00 – 17:00 ")).toEqual(parseHours("Mo-Fr 09:00-17:00"));
	});

	test("the wall time is the city's, not the reader's", () => {
		expect(wallTime(new Date("2026-11-23T20:00:00Z"), "Asia/Kolkata")).toEqual({ year: 2026, month: 11, day: 24, minute: 90 });
	});
});
