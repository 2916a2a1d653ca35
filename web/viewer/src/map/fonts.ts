import type { Language } from "../style/types";

/**
 * Waits for the faces that labels are drawn with. MapLibre draws each glyph
 * once, with whatever font is there: a label drawn too early stays wrong.
 */
export async function fontsFor(language: Language): Promise<void> {
	if (!document.fonts?.load) return;
	const sample = language === "en" ? "A" : "Aम";
	const faces = ['400 16px "Mukta"', '600 16px "Mukta SemiBold"'].map((f) => document.fonts.load(f, sample));
	// A font that does not come must not keep the map away.
	const patience = new Promise<void>((resolve) => setTimeout(resolve, 6000));
	await Promise.race([Promise.all(faces).catch(() => undefined), patience]);
}
