// Stands in for @maplibre/mlt: our tiles are MVT, and the decoder is large.

export function decodeTile(): never {
	throw new Error("MapLibre tiles (MLT) are not read here");
}

export const GEOMETRY_TYPE = {};
