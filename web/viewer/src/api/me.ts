// Who the reader is, as the server knows it.

import { getJSON, send, type Words } from "./client";

export interface Purpose {
	readonly id: string;
	readonly title: Words;
}

export interface Me {
	readonly kind: "anonymous" | "citizen" | "account" | "token" | "root";
	readonly name: string;
	/** Names of the policy's roles. */
	readonly roles: readonly string[];
	readonly department: string;
	/** Area of work; none: the whole city. */
	readonly wards: readonly string[];
	/** Why personal data is read, one of `purposes`; "" when not said. */
	readonly purpose: string;
	readonly purposes: readonly Purpose[];
	readonly rights: readonly string[];
	/** Collections of which the reader may change something. */
	readonly may_write: readonly string[];
	/** A purpose would show personal data. */
	readonly personal: boolean;
	/** When the session ends (RFC 3339). */
	readonly expires: string | null;
	readonly second_factor: boolean;
	readonly has_password: boolean;
	/** A citizen's verified phone number or e-mail. */
	readonly contact: string;
}

/** Fills what an answer leaves out, so that no reader of it has to ask. */
export function meFrom(b: Partial<Me>): Me {
	return {
		kind: b.kind ?? "anonymous",
		name: b.name ?? "",
		roles: b.roles ?? [],
		department: b.department ?? "",
		wards: b.wards ?? [],
		purpose: b.purpose ?? "",
		purposes: b.purposes ?? [],
		rights: b.rights ?? [],
		may_write: b.may_write ?? [],
		personal: b.personal === true,
		expires: b.expires ?? null,
		second_factor: b.second_factor === true,
		has_password: b.has_password === true,
		contact: b.contact ?? "",
	};
}

/** What the reader is called: their name, or a citizen's own contact. */
export function nameOf(m: Me): string {
	return m.name || m.contact;
}

export async function getMe(): Promise<Me> {
	return meFrom(await getJSON<Partial<Me>>("/api/me"));
}

/** Says why personal data is read; "" ends it. */
export async function putPurpose(purpose: string): Promise<void> {
	await send("PUT", "/api/me/purpose", { purpose });
}

export async function logout(): Promise<void> {
	await send("POST", "/auth/logout");
}
