// Stands in for MapLibre's own worker factory. The worker is started while the
// map's code is still on its way, so that both are ready together.

import workerUrl from "virtual:map-worker-url";

function create(): Worker {
	return new Worker(new URL(workerUrl, location.href), { type: "module" });
}

let early: Worker | null = null;

/** Starts the first worker; called before the map's code is asked for. */
export function startWorker(): void {
	early ??= create();
}

/** What MapLibre calls for each worker that it needs. */
export function workerFactory(): Promise<Worker> {
	const worker = early ?? create();
	early = null;
	return Promise.resolve(worker);
}
