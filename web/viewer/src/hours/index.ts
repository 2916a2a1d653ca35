import { parseHours, type Rule, type Span } from "./parse";

/** A moment as the clock on the wall of the city shows it. */
export interface WallTime {
	readonly year: number;
	/** 1..12 */
	readonly month: number;
	readonly day: number;
	/** Minutes since midnight. */
	readonly minute: number;
}

/** A later moment: `days` after today, at `minute` of that day. */
export interface Later {
	readonly days: number;
	readonly minute: number;
}

export type OpenState =
	| { readonly state: "unknown" }
	/** `until` null: it never closes. `holidays`: the hours differ on public holidays we cannot know. */
	| { readonly state: "open"; readonly until: Later | null; readonly holidays: boolean }
	/** `opens` null: not within the coming week. */
	| { readonly state: "closed"; readonly opens: Later | null; readonly holidays: boolean };

/** Public holidays that fall on the same date each year in India and Maharashtra, as month*100+day. */
const fixedHolidays = new Set([126, 501, 815, 1002, 1225]);
const horizonDays = 8;

/** Whether a place with these opening hours is open at a wall time. */
export function openAt(hours: string | null | undefined, now: WallTime): OpenState {
	if (!hours) return { state: "unknown" };
	const rules = parseHours(hours);
	if (!rules || rules.length === 0) return { state: "unknown" };
	const holidays = rules.some((r) => r.holidays);

	// Yesterday's spans matter where they run past midnight.
	const spans: Span[] = [];
	for (let d = -1; d <= horizonDays; d++) {
		for (const s of spansOf(rules, addDays(now, d))) {
			spans.push({ start: s.start + d * 1440, end: s.end + d * 1440, openEnd: s.openEnd });
		}
	}
	spans.sort((a, b) => a.start - b.start);

	let until: number | null = null;
	for (const s of spans) {
		if (until === null && s.openEnd && s.start <= now.minute && now.minute < endOfDay(s)) {
			// Before the stated end it is open; after it nobody knows.
			if (s.end <= now.minute || s.end === endOfDay(s)) return { state: "unknown" };
			return { state: "open", until: later(s.end), holidays };
		}
		if (until === null && s.start <= now.minute && now.minute < s.end) until = s.end;
		else if (until !== null && s.start <= until) until = Math.max(until, s.end);
	}
	if (until !== null) {
		return { state: "open", until: until >= horizonDays * 1440 ? null : later(until), holidays };
	}
	const next = spans.find((s) => s.start > now.minute);
	return { state: "closed", opens: next ? later(next.start) : null, holidays };
}

/** The wall time of an instant in an IANA time zone. */
export function wallTime(at: Date, timeZone: string): WallTime {
	const parts = new Intl.DateTimeFormat("en-GB", {
		timeZone,
		year: "numeric",
		month: "numeric",
		day: "numeric",
		hour: "numeric",
		minute: "numeric",
		hourCycle: "h23",
	}).formatToParts(at);
	const get = (type: string) => Number(parts.find((p) => p.type === type)?.value);
	return { year: get("year"), month: get("month"), day: get("day"), minute: get("hour") * 60 + get("minute") };
}

function later(minute: number): Later {
	return { days: Math.floor(minute / 1440), minute: minute % 1440 };
}

function endOfDay(s: Span): number {
	return (Math.floor(s.start / 1440) + 1) * 1440;
}

interface Day {
	readonly month: number;
	readonly day: number;
	readonly daysInMonth: number;
	/** 0 = Monday. */
	readonly weekday: number;
	readonly holiday: boolean;
}

function addDays(now: WallTime, days: number): Day {
	const t = new Date(Date.UTC(now.year, now.month - 1, now.day + days));
	const month = t.getUTCMonth() + 1;
	return {
		month,
		day: t.getUTCDate(),
		daysInMonth: new Date(Date.UTC(t.getUTCFullYear(), month, 0)).getUTCDate(),
		weekday: (t.getUTCDay() + 6) % 7,
		holiday: fixedHolidays.has(month * 100 + t.getUTCDate()),
	};
}

/** Later rules replace earlier ones on the days they name, unless they add. */
function spansOf(rules: readonly Rule[], day: Day): readonly Span[] {
	let spans: readonly Span[] = [];
	for (const r of rules) {
		if (!matches(r, day)) continue;
		spans = r.additional ? [...spans, ...r.spans] : r.spans;
	}
	return spans;
}

function matches(r: Rule, day: Day): boolean {
	if (r.months.length > 0 && !r.months.some(([a, b]) => within(day.month, a, b))) return false;
	if (r.days.length === 0 && !r.holidays) return true;
	if (r.holidays && day.holiday) return true;
	return r.days.some((d) => {
		if (!within(day.weekday, d.from, d.to)) return false;
		if (d.nth.length === 0) return true;
		const fromStart = Math.ceil(day.day / 7);
		const fromEnd = -Math.ceil((day.daysInMonth - day.day + 1) / 7);
		return d.nth.some((n) => n === fromStart || n === fromEnd);
	});
}

/** Ranges wrap: Sa-Mo, Nov-Feb. */
function within(v: number, from: number, to: number): boolean {
	return from <= to ? v >= from && v <= to : v >= from || v <= to;
}
