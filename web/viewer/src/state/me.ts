// Who the reader is, and what follows when that changes: all that was fetched
// for the one before is forgotten, on the map too, and asked for again.

import { computed, signal } from "@preact/signals";
import { getMe, logout, type Me, meFrom, putPurpose } from "../api/me";
import { loadCollections, online, session, update, view } from "./store";

/** null while unknown, and at a server that knows nobody. */
export const me = signal<Me | null>(null);

export const signedIn = computed(() => me.value !== null && me.value.kind !== "anonymous");

export function hasRight(right: string): boolean {
	return me.value?.rights.includes(right) === true;
}

/** Changes when what the reader may see or do does; the time of expiry alone is no change. */
export function sameReader(a: Me | null, b: Me | null): boolean {
	const digest = (m: Me | null) => m && JSON.stringify({ ...m, expires: null });
	return digest(a) === digest(b);
}

/** The browser's other windows share the session: they look when one changes it. */
const others = "BroadcastChannel" in globalThis ? new BroadcastChannel("nagar-session") : null;

/** Takes what the server said the reader is now, after a sign-in, a sign-out, a purpose. */
export function becomeReader(next: Me): void {
	take(next);
	others?.postMessage("changed");
}

function take(next: Me): void {
	const first = me.peek() === null;
	const same = sameReader(me.peek(), next);
	me.value = next;
	watchExpiry(next);
	// The first answer only says for whom everything else was fetched already.
	if (!first && !same) viewChanged();
}

/** What the reader may see has changed. */
export function viewChanged(): void {
	session.value++;
	void loadCollections();
}

/** When the server was asked last, in ms since the epoch. */
let checked = 0;

/** Asks the server who the reader is; what it cannot say now stays as it is. */
export async function checkReader(): Promise<void> {
	checked = Date.now();
	try {
		take(await getMe());
	} catch {
		// Offline, or a server without accounts: the map works without.
	}
}

export async function signOut(): Promise<void> {
	await logout();
	const page = view.peek().page;
	if (page) update({ page: null }, false);
	becomeReader(meFrom({}));
	await checkReader();
}

export async function setPurpose(purpose: string): Promise<void> {
	await putPurpose(purpose);
	await checkReader();
	others?.postMessage("changed");
}

let expiry: ReturnType<typeof setTimeout> | undefined;

/** Looks when the session should have ended, so that nothing of it stays on the screen. */
function watchExpiry(m: Me): void {
	clearTimeout(expiry);
	if (!m.expires) return;
	const ms = new Date(m.expires).getTime() - Date.now() + 1000;
	// A longer time does not fit into a timer.
	if (ms > 0 && ms < 2 ** 31) expiry = setTimeout(() => void checkReader(), ms);
}

/** After this long a hand on the page is a reason to ask: unused sessions end by themselves. */
const trusted = 5 * 60_000;

export function startSession(): void {
	void checkReader();
	for (const event of ["pointerdown", "keydown"]) {
		addEventListener(event, () => {
			if (signedIn.peek() && Date.now() - checked > trusted) void checkReader();
		});
	}
	others?.addEventListener("message", () => void checkReader());
	document.addEventListener("visibilitychange", () => {
		if (document.visibilityState === "visible" && online.peek()) void checkReader();
	});
}
