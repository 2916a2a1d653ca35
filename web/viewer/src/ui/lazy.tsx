import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Skeleton } from "./parts";

/** A panel whose code comes when it is first shown, or before that when there is nothing else to fetch. */
export interface Lazy<P> {
	readonly Panel: ComponentType<P>;
	/** Fetches the code ahead of its need. */
	load(): Promise<unknown>;
}

export function lazy<P extends object>(fetchPanel: () => Promise<ComponentType<P>>): Lazy<P> {
	let here: ComponentType<P> | null = null;
	let coming: Promise<unknown> | null = null;
	const load = () => {
		coming ??= fetchPanel().then(
			(c) => {
				here = c;
			},
			() => {
				// Offline, perhaps: the next attempt asks again.
				coming = null;
			},
		);
		return coming;
	};
	function Panel(props: P) {
		const [, redraw] = useState(0);
		useEffect(() => {
			if (!here) void load().then(() => redraw((n) => n + 1));
		}, []);
		const Loaded = here;
		return Loaded ? <Loaded {...props} /> : <Skeleton lines={6} />;
	}
	return { Panel, load };
}
