// What is being drawn, and where the card sends those who want to change a shape.

import { signal } from "@preact/signals";
import type { DetailedFeature } from "../api/client";
import { update } from "../state/store";

export interface Task {
	readonly collection: string;
	/** Whose shape is changed; null: a new one is drawn. */
	readonly feature: DetailedFeature | null;
}

export const task = signal<Task | null>(null);

export function changeShape(collection: string, feature: DetailedFeature): void {
	task.value = { collection, feature };
	update({ panel: "draw", selection: null, here: null });
}
