// The order of a list of findings. Pure.

import { severities } from "../style/findings";
import type { Finding } from "./api";

/** Sorted by a column, "-" in front for descending; what is equal stays as it came. */
export function sorted(findings: readonly Finding[], by: string): readonly Finding[] {
	const down = by.startsWith("-");
	const column = down ? by.slice(1) : by;
	const rank = (f: Finding): string => {
		switch (column) {
			case "severity": {
				const i = (severities as readonly string[]).indexOf(f.severity);
				return String(i < 0 ? 0 : severities.length - i);
			}
			case "rule":
				return f.rule;
			case "ward":
				return f.ward ?? "";
			case "state":
				return f.state;
			default:
				return f.found_at;
		}
	};
	const sign = down ? -1 : 1;
	return [...findings].sort((a, b) => sign * (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}
