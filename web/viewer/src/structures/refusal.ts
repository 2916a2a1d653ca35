// Why the register refused a command, in the reader's language: the server names the
// rule and what belongs to it (docs/registry.md), the sentence is ours.

import type { ApiError } from "../api/client";
import { fill, humanise, language, t } from "../i18n";
import { reasons } from "../ui/parts";
import { statusText, titleOf } from "./text";
import { tellIfKnown } from "./words";
import { refusals } from "./words/refusals";

/** The words for an error of a command; a rule that has none gets the general ones. */
export function refusalText(e: ApiError): string {
	const { code, values, errors } = e.problem;
	const known = (refusals[language.value] as Readonly<Record<string, string>>)[code];
	if (!known) return t(reasons[e.kind]);
	const field = errors[0]?.path.split(".").at(-1) ?? "";
	const params = Object.fromEntries(values.map((v, i) => [String(i), valueWords(v)]));
	return fill(known, { ...params, field: titleOf("buildings", field) || humanise(field) });
}

/** Stations of a life and kinds of number are words of ours; the rest is as it was written. */
function valueWords(v: string): string {
	if (tellIfKnown(`status.${v}`)) return statusText(v);
	return tellIfKnown(`scheme.${v}`) ?? v;
}
