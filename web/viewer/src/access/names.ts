// Roles, rights, classes, purposes and times in words.

import { signal } from "@preact/signals";
import { getPolicy } from "../api/access";
import type { Words } from "../api/client";
import { formatDate, formatNumber, localeOf } from "../format/numbers";
import { humanise, language, words } from "../i18n";
import { me } from "../state/me";
import { collections } from "../state/store";
import { collectionTitle, fieldTitle, timeZone } from "../ui/text";
import { say, sayIfKnown } from "./words";

/** Titles of the policy's roles, for those who may read it. */
export const policyRoles = signal<Readonly<Record<string, Words>>>({});

/** The roles that every city starts with; a policy may have others. */
const usualRoles = ["planner", "surveyor", "officer", "auditor", "administrator"];

export async function loadRoles(): Promise<void> {
	try {
		const { value } = await getPolicy();
		policyRoles.value = Object.fromEntries(Object.entries(value.roles).map(([name, r]) => [name, r.title]));
	} catch {
		// The usual roles' own names do.
	}
}

/** Roles that are given to people: not the one that everybody has, nor that of a verified contact. */
export function givenRoles(): readonly string[] {
	const all = Object.keys(policyRoles.value);
	return (all.length > 0 ? all : usualRoles).filter((r) => r !== "public" && r !== "citizen");
}

export function roleTitle(name: string): string {
	return words(policyRoles.value[name], sayIfKnown(`role.${name}`) ?? humanise(name));
}

export function rightTitle(name: string): string {
	return sayIfKnown(`right.${name}`) ?? humanise(name);
}

export function className(name: string): string {
	return sayIfKnown(`class.${name}`) ?? humanise(name);
}

export function actionTitle(name: string): string {
	return sayIfKnown(`action.${name.replace(/[^a-z0-9]+/gi, "_")}`) ?? humanise(name.replaceAll("-", " "));
}

/** How somebody came to be known: a citizen, a token, the administrator's own token. */
export function kindTitle(kind: string): string {
	return sayIfKnown(`kind.${kind}`) ?? humanise(kind);
}

export function purposeTitle(id: string): string {
	return words(me.value?.purposes.find((p) => p.id === id)?.title, humanise(id));
}

/** Fields of a collection as the card names them. */
export function fieldTitles(collection: string, fields: readonly string[]): string {
	const all = collections.value;
	const known = all.status === "ready" ? all.value.find((c) => c.name === collection)?.fields : undefined;
	return list(
		fields.map((name) =>
			name === "geometry" ? say("field.geometry") : fieldTitle(known?.find((f) => f.name === name) ?? { name, type: "text" }),
		),
	);
}

export function collectionName(name: string): string {
	return name === "*" ? (sayIfKnown("policy.all") ?? name) : collectionTitle(name);
}

export function list(items: readonly string[]): string {
	return new Intl.ListFormat(localeOf(language.value), { type: "conjunction" }).format(items);
}

export function count(n: number): string {
	return formatNumber(n, language.value, 0);
}

/** "23 Nov 2026, 14:05" in the city's time; "" for none. */
export function timeText(time: string | null | undefined): string {
	return time ? formatDate(time, language.value, timeZone()) : "";
}

/** Departments that own collections, as suggestions. */
export function departments(): readonly string[] {
	const all = collections.value;
	const owners = all.status === "ready" ? all.value.map((c) => c.owner ?? "") : [];
	return [...new Set(owners.filter(Boolean))].sort();
}
