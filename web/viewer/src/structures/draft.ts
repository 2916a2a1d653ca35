// A form of the register as it is filled in, and the command that it stands for.

import type { Polygon } from "geojson";
import { changesOf, type Draft as Values } from "../access/edit";
import type { Field } from "../api/client";
import { collectionNamed } from "../ui/text";
import type { Structure, StructureEvent } from "./api";
import type { Command, Part } from "./commands";
import { floorsOf, type PlanLine } from "./plan";
import { parseUid } from "./uid";

export type Kind =
	| "status"
	| "correct"
	| "units"
	| "alias"
	| "end_alias"
	| "split"
	| "merge"
	| "replace"
	| "demolish"
	| "revive"
	| "undo";

export interface Draft {
	readonly status: string;
	/** What was written or tapped as the neighbour. */
	readonly other: string;
	readonly parts: readonly Part[];
	/** Values of fields as text. */
	readonly values: Values;
	readonly geometry: Polygon | null;
	readonly scheme: string;
	readonly number: string;
	/** By whom the number was given. */
	readonly source: string;
	/** The alias to end. */
	readonly alias: string;
	readonly plan: readonly PlanLine[];
	readonly date: string;
	readonly evidence: string;
}

export const emptyDraft: Draft = {
	status: "",
	other: "",
	parts: [],
	values: {},
	geometry: null,
	scheme: "",
	number: "",
	source: "",
	alias: "",
	plan: [],
	date: "",
	evidence: "",
};

/** Set by commands, never by hand. */
const byCommand = new Set(["uid", "status", "retired", "source_id", "ward"]);

/** The fields of a structure that a person may correct. */
export function correctable(): readonly Field[] {
	const fields = [...(collectionNamed("buildings")?.fields ?? []), ...(collectionNamed("structures")?.fields ?? [])];
	return fields.filter((f, i) => !byCommand.has(f.name) && f.type !== "json" && fields.findIndex((o) => o.name === f.name) === i);
}

/** The values of those fields as they are now. */
export function valuesOf(s: Structure): Values {
	return Object.fromEntries(
		correctable().map((f) => [f.name, String(s.facts.find((fact) => fact.name === f.name)?.value ?? "")]),
	);
}

/** The neighbour that a draft names, "" where it is none. */
export function neighbourOf(d: Draft, uid: string): string {
	const parsed = parseUid(d.other);
	return "uid" in parsed && parsed.uid !== uid ? parsed.uid : "";
}

/** The command that a draft stands for; null while something is missing. */
export function commandOf(kind: Kind, d: Draft, s: Structure, last: StructureEvent | null): Command | null {
	const geometry = d.geometry ? { geometry: d.geometry } : {};
	switch (kind) {
		case "status":
			return { kind, status: d.status };
		case "correct": {
			const properties = changesOf(correctable(), valuesOf(s), d.values);
			const some = Object.keys(properties).length > 0;
			return some || d.geometry ? { kind, ...(some ? { properties } : {}), ...geometry } : null;
		}
		case "units": {
			const plan = floorsOf(d.plan);
			return plan.length > 0 ? { kind, plan } : null;
		}
		case "alias": {
			const [scheme, value, source] = [d.scheme.trim(), d.number.trim(), d.source.trim()];
			return scheme && value ? { kind, alias: { scheme, value, ...(source ? { source } : {}) } } : null;
		}
		case "end_alias": {
			const a = s.aliases.find((x) => x.id === d.alias);
			return a ? { kind, alias: { scheme: a.scheme, value: a.value } } : null;
		}
		case "split":
			return d.parts.length > 0 ? { kind, parts: d.parts } : null;
		case "merge": {
			const other = neighbourOf(d, s.uid);
			return other ? { kind, with: [other] } : null;
		}
		case "replace":
			return { kind, status: d.status, ...geometry };
		case "undo":
			return last && { kind, event: last.id };
		default:
			return { kind };
	}
}
