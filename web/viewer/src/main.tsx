import "./css/fonts.css";
import "./css/app.css";
import { render } from "preact";
import { startWorker } from "./map/worker-factory";
import { startSelection } from "./state/selection";
import { loadCity, loadCollections, mapFailed, startState } from "./state/store";
import { App } from "./ui/App";

startWorker();
startState();
startSelection();
const ready = Promise.all([loadCity(), loadCollections()]);
// The map is most of the code: it comes in its own file beside the interface.
const mapCode = import("./map");

async function startMap(container: HTMLElement): Promise<void> {
	try {
		const [{ startMap }] = await Promise.all([mapCode, ready]);
		await startMap(container);
	} catch (e) {
		console.error(e);
		mapFailed.value = true;
	}
}

const root = document.getElementById("app");
if (root) {
	root.replaceChildren();
	render(<App startMap={(c) => void startMap(c)} />, root);
}
