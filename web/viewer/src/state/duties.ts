// What waits for the reader's department: the number beside "Findings".

import { computed, effect, signal } from "@preact/signals";
import { getJSON, isAbort } from "../api/client";
import { me, signedIn } from "./me";
import { collections, deskChanges, session } from "./store";

/** Open findings of the reader's department, of all where they are of none; null while unknown. */
export const openFindings = signal<number | null>(null);

/** Records in doubt that the reader sees; null where they see no kind of record that may be. */
export const openReviews = signal<number | null>(null);

function seen(collection: string): boolean {
	const all = collections.value;
	return all.status === "ready" && all.value.some((c) => c.name === collection);
}

/** The departments' desks that the reader sees. */
export const desksSeen = computed(() => {
	return { findings: signedIn.value && seen("findings"), reviews: signedIn.value && openReviews.value !== null };
});

/** A load changes many findings at once: one look for all of them. */
const settled = 1500;

export function startDuties(): void {
	const wanted = computed(() => (desksSeen.value.findings ? `${session.value}/${me.value?.department ?? ""}` : ""));
	// Only departments' people have records to look at.
	const worker = computed(() => (signedIn.value && me.value?.kind !== "citizen" ? String(session.value) : ""));
	effect(() => {
		deskChanges.value.reviews;
		if (worker.value === "") {
			openReviews.value = null;
			return;
		}
		const abort = new AbortController();
		void countReviews(abort.signal);
		return () => abort.abort();
	});
	let shown = "";
	effect(() => {
		const key = wanted.value;
		deskChanges.value.findings;
		if (key !== shown) openFindings.value = null;
		if (key === "") {
			shown = "";
			return;
		}
		const abort = new AbortController();
		const timer = setTimeout(() => void count(abort.signal), shown === "" ? 0 : settled);
		shown = key;
		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	});
}

/** Asks again how many records wait for a decision. */
export async function countReviews(signal?: AbortSignal): Promise<void> {
	try {
		const { collections: all } = await getJSON<{ collections: { open: number }[] }>("/api/reviews/summary", signal);
		openReviews.value = all.length === 0 ? null : all.reduce((n, c) => n + c.open, 0);
	} catch (e) {
		if (!isAbort(e)) openReviews.value = null;
	}
}

async function count(signal: AbortSignal): Promise<void> {
	const department = me.peek()?.department ?? "";
	const owner = department ? `&owner=${encodeURIComponent(department)}` : "";
	try {
		const page = await getJSON<{ total: number }>(`/api/findings?state=open&limit=1${owner}`, signal);
		openFindings.value = page.total;
	} catch {
		// Offline, or a server that keeps no findings: no number is shown.
	}
}

/** The findings of the reader's department that are open: where the number leads. */
export function myFindings(): Readonly<Record<string, string>> {
	const department = me.peek()?.department ?? "";
	return department ? { owner: department } : {};
}
