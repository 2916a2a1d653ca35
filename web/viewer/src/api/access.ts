// Sign-in, the reader's own account, and administration as typed functions.

import { getJSON, getTagged, send, type Tagged, type Words } from "./client";
import { type Me, meFrom, type Purpose } from "./me";

// ---- sign-in ----

export interface Methods {
	readonly local: boolean;
	readonly oidc: readonly { readonly id: string; readonly title: string }[];
	/** How one-time codes are sent: "sms", "email". */
	readonly codes: readonly string[];
}

export async function getMethods(): Promise<Methods> {
	const b = await getJSON<Partial<Methods>>("/auth/methods");
	return { local: b.local === true, oidc: b.oidc ?? [], codes: b.codes ?? [] };
}

export async function login(name: string, password: string, code: string): Promise<Me> {
	return meFrom(await send<Partial<Me>>("POST", "/auth/login", code ? { name, password, code } : { name, password }));
}

/** Where a provider's sign-in begins; it comes back to `back`, a path of ours. */
export function providerPath(id: string, back: string): string {
	return `/auth/oidc/${encodeURIComponent(id)}?${new URLSearchParams({ return: back })}`;
}

export async function askForCode(contact: string): Promise<void> {
	await send("POST", "/auth/code", { contact });
}

export async function verifyCode(contact: string, code: string): Promise<Me> {
	return meFrom(await send<Partial<Me>>("POST", "/auth/code/verify", { contact, code }));
}

// ---- the reader's own account ----

export async function changePassword(before: string, next: string): Promise<void> {
	await send("PUT", "/api/me/password", { old: before, new: next });
}

/** Begins a second factor: the secret, and the otpauth:// address that apps read as a picture. */
export function beginTotp(): Promise<{ secret: string; uri: string }> {
	return send("POST", "/api/me/totp");
}

export async function enableTotp(code: string): Promise<void> {
	await send("PUT", "/api/me/totp", { code });
}

export async function disableTotp(code: string): Promise<void> {
	await send("DELETE", "/api/me/totp", { code });
}

export interface Session {
	readonly id: string;
	/** The one that asks. */
	readonly this?: boolean;
	readonly created?: string;
	readonly seen?: string;
	readonly expires?: string;
	readonly agent?: string;
	readonly address?: string;
}

export async function getSessions(): Promise<readonly Session[]> {
	return listOf<Session>(await getJSON("/api/me/sessions"), "sessions");
}

export async function endSession(id: string): Promise<void> {
	await send("DELETE", `/api/me/sessions/${encodeURIComponent(id)}`);
}

/** One look at a record about the reader. */
export interface Look {
	readonly time: string;
	readonly department?: string;
	readonly roles?: readonly string[];
	readonly purpose?: string;
	readonly action?: string;
	readonly collection?: string;
	/** Their own records; none: a map or a long list around them. */
	readonly ids?: readonly string[];
	readonly fields?: readonly string[];
}

export function getReaders(cursor = ""): Promise<Paged<Look>> {
	return getPaged("/api/me/readers", { cursor }, "readings");
}

// ---- accounts and tokens ----

export interface Account {
	readonly id: string;
	readonly name: string;
	readonly title: string;
	readonly roles: readonly string[];
	readonly department: string;
	readonly wards: readonly string[];
	readonly disabled: boolean;
	readonly has_password: boolean;
	readonly second_factor: boolean;
	readonly created?: string;
	readonly last_seen?: string | null;
}

export type NewAccount = Pick<Account, "name" | "title" | "roles" | "department" | "wards">;
export type AccountChange = Partial<Omit<NewAccount, "name"> & Pick<Account, "disabled">>;

const accountsPath = "/api/access/accounts";

function accountFrom(b: Partial<Account>): Account {
	return {
		...b,
		id: b.id ?? "",
		name: b.name ?? "",
		title: b.title ?? "",
		roles: b.roles ?? [],
		department: b.department ?? "",
		wards: b.wards ?? [],
		disabled: b.disabled === true,
		has_password: b.has_password === true,
		second_factor: b.second_factor === true,
	};
}

export async function getAccounts(): Promise<readonly Account[]> {
	return listOf<Partial<Account>>(await getJSON(accountsPath), "accounts").map(accountFrom);
}

export async function createAccount(a: NewAccount): Promise<Account> {
	return accountFrom(await send<Partial<Account>>("POST", accountsPath, a));
}

export async function changeAccount(id: string, a: AccountChange): Promise<Account> {
	return accountFrom(await send<Partial<Account>>("PATCH", `${accountsPath}/${encodeURIComponent(id)}`, a));
}

export async function deleteAccount(id: string): Promise<void> {
	await send("DELETE", `${accountsPath}/${encodeURIComponent(id)}`);
}

/** A one-time sign-in link for the account, as a whole address. */
export async function signInLink(id: string): Promise<string> {
	return (await send<{ url: string }>("POST", `${accountsPath}/${encodeURIComponent(id)}/link`)).url;
}

export interface Token {
	readonly id: string;
	readonly title: string;
	readonly roles: readonly string[];
	readonly department: string;
	readonly wards: readonly string[];
	readonly purpose: string;
	/** Only these; none: all that the roles see. */
	readonly collections: readonly string[];
	readonly expires?: string;
	readonly created?: string;
	readonly last_used?: string | null;
	/** In the answer to its making only. */
	readonly secret?: string;
}

export type NewToken = Pick<Token, "title" | "roles" | "department" | "wards" | "purpose" | "collections"> & {
	readonly expires: string;
};

const tokensPath = "/api/access/tokens";

function tokenFrom(b: Partial<Token>): Token {
	return {
		...b,
		id: b.id ?? "",
		title: b.title ?? "",
		roles: b.roles ?? [],
		department: b.department ?? "",
		wards: b.wards ?? [],
		purpose: b.purpose ?? "",
		collections: b.collections ?? [],
	};
}

export async function getTokens(): Promise<readonly Token[]> {
	return listOf<Partial<Token>>(await getJSON(tokensPath), "tokens").map(tokenFrom);
}

export async function createToken(n: NewToken): Promise<Token> {
	return tokenFrom(await send<Partial<Token>>("POST", tokensPath, n));
}

export async function revokeToken(id: string): Promise<void> {
	await send("DELETE", `${tokensPath}/${encodeURIComponent(id)}`);
}

// ---- policy ----

export interface Grant {
	readonly collections: readonly string[];
	readonly own?: boolean;
	readonly class: string;
	readonly fields?: readonly string[];
	readonly hide?: readonly string[];
	readonly area?: boolean;
	readonly rows?: string;
	readonly write?: boolean;
}

export interface Role {
	readonly title: Words;
	readonly grants?: readonly Grant[];
	readonly rights?: readonly string[];
}

export interface Retention {
	readonly collections: readonly string[];
	readonly rows?: string;
	readonly since: string;
	readonly days: number;
	readonly erase?: readonly string[];
}

export interface Policy {
	readonly version: number;
	readonly roles: Readonly<Record<string, Role>>;
	readonly purposes: readonly Purpose[];
	readonly min_group: number;
	readonly retention?: readonly Retention[];
}

const policyPath = "/api/access/policy";

export function getPolicy(): Promise<Tagged<Policy>> {
	return getTagged(policyPath);
}

export async function putPolicy(p: unknown, etag: string): Promise<void> {
	await send("PUT", policyPath, p, { "If-Match": etag });
}

export interface PolicyVersion {
	readonly version: number;
	readonly written?: string | null;
	/** Id of the account that made it. */
	readonly author?: string;
	readonly policy?: Policy;
}

export async function getPolicyVersions(): Promise<readonly PolicyVersion[]> {
	return listOf(await getJSON(`${policyPath}/versions`), "versions");
}

// ---- audit ----

/** Who did something, as far as it is kept. */
export interface Actor {
	readonly kind: string;
	readonly account?: string;
	readonly name?: string;
	readonly roles?: readonly string[];
	readonly department?: string;
	readonly purpose?: string;
	readonly address?: string;
}

export interface Entry {
	readonly seq: number;
	readonly time: string;
	readonly action: string;
	readonly who: Actor;
	readonly collection?: string;
	readonly fields?: readonly string[];
	readonly ids?: readonly string[];
	readonly count?: number;
	/** Degrees: west, south, east, north. */
	readonly bbox?: readonly number[];
	readonly detail?: string;
}

export type AuditFilter = Readonly<Partial<Record<"from" | "to" | "who" | "collection" | "id" | "action", string>>>;

export function getAudit(filter: AuditFilter, cursor = ""): Promise<Paged<Entry>> {
	return getPaged("/api/audit", { ...filter, cursor }, "entries");
}

export interface Verification {
	readonly whole: boolean;
	readonly entries: number;
	/** The first fault. */
	readonly broken?: { readonly seq: number; readonly reason: string };
	/** The log's head, to keep elsewhere. */
	readonly print?: string;
}

export function verifyAudit(): Promise<Verification> {
	return getJSON("/api/audit/verify");
}

/** What one actor read of one collection. */
export interface Reading {
	readonly who: Actor;
	readonly action: string;
	readonly collection: string;
	readonly fields: readonly string[];
	readonly first: string;
	readonly last: string;
	/** Features, counted each time they were read. */
	readonly count: number;
}

export interface Breach {
	readonly entries: number;
	readonly readings: readonly Reading[];
	/** Those read by id, by collection; null where only maps and lists were. */
	readonly features: Readonly<Record<string, readonly string[] | null>>;
	/** There were more features than are listed. */
	readonly partial: boolean;
}

export type BreachFilter = Pick<AuditFilter, "from" | "to" | "who" | "collection">;

export function getBreach(filter: BreachFilter): Promise<Breach> {
	return getJSON(`/api/audit/breach?${queryOf(filter)}`);
}

/** Where the report is as a table, with the features one by one. */
export function breachTablePath(filter: BreachFilter): string {
	return `/api/audit/breach?${queryOf({ ...filter, format: "csv" })}`;
}

// ---- shared ----

/** Part of a list, and where the next part begins; "" at its end. */
export interface Paged<T> {
	readonly items: readonly T[];
	readonly next: string;
}

async function getPaged<T>(
	path: string,
	params: Readonly<Record<string, string | undefined>>,
	member: string,
): Promise<Paged<T>> {
	const body = await getJSON<Record<string, unknown>>(`${path}?${queryOf(params)}`);
	const next = body.next ?? body.cursor ?? "";
	return { items: listOf<T>(body, member), next: typeof next === "string" ? next : "" };
}

function queryOf(params: Readonly<Record<string, string | undefined>>): string {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(params)) if (v) q.set(k, v);
	return q.toString();
}

/** A list, bare or as a member of an object. */
function listOf<T>(body: unknown, member: string): readonly T[] {
	const list = Array.isArray(body) ? body : (body as Record<string, unknown> | null)?.[member];
	return Array.isArray(list) ? (list as T[]) : [];
}
