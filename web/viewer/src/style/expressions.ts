import type { ExpressionSpecification, Language } from "./types.ts";

const order: Record<Language, readonly string[]> = {
	en: ["name", "name_en", "name_mr", "name_hi"],
	mr: ["name_mr", "name_hi", "name", "name_en"],
	hi: ["name_hi", "name_mr", "name", "name_en"],
};

/** Names of the fields that hold a feature's name, best first for a language. */
export function nameFields(language: Language): readonly string[] {
	return order[language];
}

/** The feature's name in the reader's language, else in the next best one, else "". */
export function nameIn(language: Language): ExpressionSpecification {
	return ["coalesce", ...order[language].map((f) => ["get", f] as ExpressionSpecification), ""];
}

/** A localised text field such as `neighbourhood`, `neighbourhood_mr`. */
export function textIn(field: string, language: Language): ExpressionSpecification {
	const names = language === "en" ? [field] : [`${field}_${language}`, `${field}_mr`, field];
	return ["coalesce", ...names.map((f) => ["get", f] as ExpressionSpecification), ""];
}

/** A number that grows exponentially with zoom, as line widths should. */
export function byZoom(...stops: readonly (readonly [number, number | ExpressionSpecification])[]): ExpressionSpecification {
	return ["interpolate", ["exponential", 1.5], ["zoom"], ...stops.flat()] as unknown as ExpressionSpecification;
}

export function linear(
	...stops: readonly (readonly [number, number | string | ExpressionSpecification])[]
): ExpressionSpecification {
	return ["interpolate", ["linear"], ["zoom"], ...stops.flat()] as unknown as ExpressionSpecification;
}
