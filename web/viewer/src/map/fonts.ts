import fontsUrl from "../css/fonts.css?url";
import type { Language } from "../style/types";

let sheet: Promise<void> | null = null;

/** Brings in the font faces. Late on purpose: on a slow line they would hold up the map's code. */
function declared(): Promise<void> {
	sheet ??= new Promise((resolve) => {
		const link = document.createElement("link");
		link.rel = "stylesheet";
		link.href = fontsUrl;
		link.onload = () => resolve();
		link.onerror = () => resolve();
		document.head.append(link);
	});
	return sheet;
}

/**
 * Waits for the faces that labels are drawn with. MapLibre draws each glyph
 * once, with whatever font is there: a label drawn too early stays wrong.
 */
export async function fontsFor(language: Language): Promise<void> {
	if (!document.fonts?.load) return;
	// A font that does not come must not keep the names away.
	const patience = new Promise<void>((resolve) => setTimeout(resolve, 6000));
	await Promise.race([faces(language).catch(() => undefined), patience]);
}

async function faces(language: Language): Promise<void> {
	await declared();
	const sample = language === "en" ? "A" : "Aम";
	await Promise.all(['400 16px "Mukta"', '600 16px "Mukta SemiBold"'].map((f) => document.fonts.load(f, sample)));
}
