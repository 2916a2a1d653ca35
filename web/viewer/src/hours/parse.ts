// Reads the common part of the OpenStreetMap opening_hours grammar
// (wiki.openstreetmap.org/wiki/Key:opening_hours/specification). Anything
// outside of it makes the whole value unknown: a wrong "open" sends somebody
// to a closed door.

/** Minutes of the day; `end` may pass 1440 for hours after midnight. */
export interface Span {
	readonly start: number;
	readonly end: number;
	/** "18:00+": open from start, the end is not stated. */
	readonly openEnd: boolean;
}

export interface DaySelector {
	/** 0 = Monday ... 6 = Sunday; a range may wrap. */
	readonly from: number;
	readonly to: number;
	/** "Sa[2,4]": only these of the month; negative counts from its end. */
	readonly nth: readonly number[];
}

export interface Rule {
	/** Months 1..12, wrapping ranges; empty means all. */
	readonly months: readonly (readonly [number, number])[];
	readonly days: readonly DaySelector[];
	/** The rule names public holidays. */
	readonly holidays: boolean;
	/** Empty means closed. */
	readonly spans: readonly Span[];
	/** Added to the rules before instead of replacing them ("..., Sa 10:00-12:00"). */
	readonly additional: boolean;
}

const dayNames = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const selectorStart = new RegExp(`^(?:${[...dayNames, ...monthNames, "PH"].join("|")})(?![a-z])`);

class Unknown extends Error {}

/** The rules of an opening_hours value, or null when it is not fully understood. */
export function parseHours(value: string): Rule[] | null {
	try {
		const text = value.trim().replace(/\s+/g, " ").replace(/[–—]/g, "-");
		if (text === "") return null;
		return text
			.split(";")
			.map((s) => s.trim())
			.filter((s) => s !== "")
			.flatMap(parseSequence);
	} catch (e) {
		if (e instanceof Unknown) return null;
		throw e;
	}
}

/** One part between semicolons: a rule, and those added to it by commas. */
function parseSequence(text: string): Rule[] {
	const parts: string[] = [];
	for (const piece of text.split(",")) {
		const p = piece.trim();
		const last = parts.at(-1);
		// A comma that follows hours and precedes a day begins another rule;
		// any other comma continues the list of days, months or hours.
		if (last !== undefined && /(?:\d|\+|off|closed)$/.test(last) && !/\[[^\]]*$/.test(last) && selectorStart.test(p))
			parts.push(p);
		else if (last !== undefined) parts[parts.length - 1] = `${last},${p}`;
		else parts.push(p);
	}
	return parts.map((p, i) => parseRule(p, i > 0));
}

function parseRule(text: string, additional: boolean): Rule {
	if (text === "24/7") {
		return { months: [], days: [], holidays: false, spans: [{ start: 0, end: 1440, openEnd: false }], additional };
	}
	let rest = text;
	const months: [number, number][] = [];
	const days: DaySelector[] = [];
	let holidays = false;
	for (;;) {
		const month = new RegExp(`^(${monthNames.join("|")})(?:-(${monthNames.join("|")}))?(?![a-z])`).exec(rest);
		const day = new RegExp(`^(${dayNames.join("|")})(?:-(${dayNames.join("|")})|\\[([-\\d, ]+)\\])?(?![a-z])`).exec(rest);
		const ph = /^PH(?![a-z])/.exec(rest);
		if (month) {
			if (days.length > 0 || holidays) throw new Unknown();
			const from = monthNames.indexOf(month[1] ?? "") + 1;
			months.push([from, month[2] ? monthNames.indexOf(month[2]) + 1 : from]);
			// "Jan 26" (a day of the month) is outside of what is read here.
			if (/^ ?\d{1,2}(?![\d:])/.test(rest.slice(month[0].length))) throw new Unknown();
		} else if (day) {
			const from = dayNames.indexOf(day[1] ?? "");
			days.push({ from, to: day[2] ? dayNames.indexOf(day[2]) : from, nth: day[3] ? parseNth(day[3]) : [] });
		} else if (ph) {
			holidays = true;
		} else {
			break;
		}
		rest = rest.slice((month ?? day ?? ph)?.[0].length).replace(/^[ ,]+/, "");
	}
	rest = rest.replace(/^: ?/, "").trim();
	if (rest === "off" || rest === "closed") return { months, days, holidays, spans: [], additional };
	if (rest === "" && (days.length > 0 || months.length > 0)) {
		return { months, days, holidays, spans: [{ start: 0, end: 1440, openEnd: false }], additional };
	}
	return { months, days, holidays, spans: rest.split(",").map(parseSpan), additional };
}

function parseNth(text: string): number[] {
	return text.split(",").flatMap((p) => {
		const m = /^ ?(-?\d)(?:-(\d))? ?$/.exec(p);
		if (!m) throw new Unknown();
		const from = Number(m[1]);
		const to = m[2] ? Number(m[2]) : from;
		if (from === 0 || Math.abs(from) > 5 || to > 5 || to < from) throw new Unknown();
		return Array.from({ length: to - from + 1 }, (_, i) => from + i);
	});
}

function parseSpan(text: string): Span {
	const m = /^ ?(\d{1,2}):(\d{2}) ?(?:- ?(\d{1,2}):(\d{2}))?(\+)? ?$/.exec(text);
	if (!m) throw new Unknown();
	const start = minutes(m[1], m[2], 24);
	if (m[3] === undefined) {
		if (!m[5]) throw new Unknown();
		return { start, end: 1440, openEnd: true };
	}
	let end = minutes(m[3], m[4], 48);
	if (end <= start) end += 1440;
	if (end - start > 1440) throw new Unknown();
	return { start, end, openEnd: m[5] !== undefined };
}

function minutes(h: string | undefined, m: string | undefined, maxHour: number): number {
	const hour = Number(h);
	const minute = Number(m);
	const total = hour * 60 + minute;
	if (minute > 59 || total > maxHour * 60) throw new Unknown();
	return total;
}
