import type {
	ExpressionSpecification,
	FilterSpecification,
	LayerSpecification,
	SourceSpecification,
	StyleSpecification,
} from "maplibre-gl";
import type { Palette, ThemeName } from "./palette.ts";

export type { ExpressionSpecification, FilterSpecification, LayerSpecification, SourceSpecification, StyleSpecification };

export type Language = "en" | "mr" | "hi";

/** What is known of a collection that has no designed style. */
export interface GeneratedLayer {
	readonly collection: string;
	/** Geometry type as the catalogue states it, e.g. "MultiPolygon"; "" when mixed or unknown. */
	readonly geometry: string;
	readonly color: string;
	/** Field that colours the features, with its values and their colours. */
	readonly categories?: { readonly field: string; readonly values: readonly (readonly [string, string])[] };
	/** Field with the feature's name, when it has one. */
	readonly hasName: boolean;
}

/** Everything a style depends on: the style is a pure function of this. */
export interface StyleInput {
	readonly theme: ThemeName;
	readonly language: Language;
	/** Prefix of tile addresses: "" in the viewer, "{base}" in the published style files. */
	readonly base: string;
	/** Collections that exist; a layer without its collection is left out. */
	readonly collections: ReadonlySet<string>;
	readonly threeD: boolean;
	readonly maxzoom: number;
	/** One source per collection (published styles) or collections grouped to few requests (viewer). */
	readonly grouped: boolean;
	readonly hidden: ReadonlySet<string>;
	/** Opacity 0..1 by collection; absent means 1. */
	readonly opacity: Readonly<Record<string, number>>;
	readonly generated: readonly GeneratedLayer[];
	/** Icons are drawn at run time by the viewer; the published styles use plain dots. */
	readonly icons: boolean;
	/** Names of areas come from a source of their own instead of from the tiles. */
	readonly areaNames: boolean;
	/** False leaves all names and icons out. */
	readonly labels: boolean;
	/** Which findings are shown, where the reader sees any. */
	readonly findings?: FilterSpecification;
}

export interface AreaNames {
	readonly source: string;
	readonly "source-layer"?: string;
	/** Condition that selects the collection's names in that source. */
	readonly is: ExpressionSpecification;
}

export interface LayerContext {
	readonly input: StyleInput;
	readonly c: Palette;
	/** Source id that carries a collection. */
	source(collection: string): string;
	/** Source, source layer and filter of the names of an area collection. */
	names(collection: string): AreaNames;
	/** Visibility of a collection as a layout property. */
	visible(collection: string): "visible" | "none";
	/** Multiplies an opacity with what the reader chose for the collection. */
	opacity(collection: string, value: number): number;
	/** Font stacks: regular and semi-bold. */
	readonly regular: string[];
	readonly bold: string[];
}
