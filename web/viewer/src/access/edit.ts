// The values of a feature's fields as an editor holds them: text, until it is saved.

import type { Field } from "../api/client";

export type Draft = Readonly<Record<string, string>>;

/** Made by the catalogue or the registry, never by hand. */
const notByHand = new Set(["uid", "source_id"]);

export function editable(fields: readonly Field[]): readonly Field[] {
	return fields.filter((f) => !notByHand.has(f.name) && f.type !== "json");
}

export function textOfValue(v: unknown): string {
	return v === null || v === undefined ? "" : String(v);
}

export function draftOf(fields: readonly Field[], properties: Readonly<Record<string, unknown>>): Draft {
	return Object.fromEntries(fields.map((f) => [f.name, textOfValue(properties[f.name])]));
}

/** The value that a text stands for; "" is no value. */
export function fieldValue(field: Field, text: string): unknown {
	if (text.trim() === "") return null;
	switch (field.type) {
		case "integer":
		case "real":
		case "number":
			return Number(text);
		case "boolean":
			return text === "true";
		default:
			return text;
	}
}

/** Only what was changed, so that a change of another field by somebody else stays. */
export function changesOf(fields: readonly Field[], before: Draft, after: Draft): Readonly<Record<string, unknown>> {
	return Object.fromEntries(
		fields
			.filter((f) => (after[f.name] ?? "") !== (before[f.name] ?? ""))
			.map((f) => [f.name, fieldValue(f, after[f.name] ?? "")]),
	);
}
