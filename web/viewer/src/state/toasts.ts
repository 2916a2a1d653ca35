import { signal } from "@preact/signals";
import type { ApiErrorKind } from "../api/client";

export type Notice =
	| { readonly kind: "newLayer"; readonly collection: string }
	| { readonly kind: "copied" }
	| { readonly kind: "copyFailed" }
	| { readonly kind: "signedIn"; readonly name: string }
	| { readonly kind: "signedOut" }
	| { readonly kind: "saved" }
	| { readonly kind: "failed"; readonly reason: ApiErrorKind }
	| { readonly kind: "place"; readonly reason: "insecure" | "denied" | "unavailable" };

export const notices = signal<readonly { readonly id: number; readonly notice: Notice }[]>([]);

let counter = 0;
const lifetime = 7000;

/** Shows a short notice, which goes by itself and can be closed. */
export function announce(notice: Notice): void {
	const id = ++counter;
	const others = notices.peek().filter((n) => JSON.stringify(n.notice) !== JSON.stringify(notice));
	notices.value = [...others.slice(-2), { id, notice }];
	setTimeout(() => dismiss(id), lifetime);
}

export function dismiss(id: number): void {
	notices.value = notices.peek().filter((n) => n.id !== id);
}

export async function copy(text: string): Promise<void> {
	try {
		await navigator.clipboard.writeText(text);
		announce({ kind: "copied" });
	} catch {
		announce({ kind: "copyFailed" });
	}
}
