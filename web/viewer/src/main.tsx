import "./css/app.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { startWorker } from "./map/worker-factory";
import { startDuties } from "./state/duties";
import { startSession } from "./state/me";
import { startSelection } from "./state/selection";
import { loadCity, loadCollections, mapFailed, mapReady, startState } from "./state/store";
import { App, fetchPanels } from "./ui/App";

startWorker();
startState();
startSelection();
startSession();
startDuties();
const ready = Promise.all([loadCity(), loadCollections()]);
// The map is most of the code: it comes in its own file beside the interface.
const mapCode = import("./map");

async function startMap(container: HTMLElement): Promise<void> {
	try {
		const [{ startMap }] = await Promise.all([mapCode, ready]);
		startMap(container);
	} catch (e) {
		console.error(e);
		mapFailed.value = true;
	}
}

// Panels are fetched when the map is there, or when one is asked for.
effect(() => {
	if (mapReady.value) setTimeout(fetchPanels, 300);
});

const root = document.getElementById("app");
if (root) {
	root.replaceChildren();
	render(<App startMap={(c) => void startMap(c)} />, root);
}
