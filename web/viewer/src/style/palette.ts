// The one place where colours of the map are decided. The values of the light
// theme and the named ones of the dark theme come from the design guide; what
// the guide leaves open is derived from them.

export type ThemeName = "light" | "dark";

export interface Palette {
	readonly land: string;
	readonly coast: string;
	readonly sea: string;
	readonly water: string;
	readonly waterLabel: string;
	readonly park: string;
	readonly forest: string;
	readonly greenLabel: string;
	readonly building: string;
	readonly buildingTall: string;
	readonly buildingEdge: string;
	readonly road: string;
	readonly roadMinor: string;
	readonly roadCasing: string;
	readonly motorway: string;
	readonly motorwayCasing: string;
	readonly path: string;
	readonly rail: string;
	readonly railSleeper: string;
	readonly ward: string;
	readonly wardLabel: string;
	readonly prabhag: string;
	readonly label: string;
	readonly labelSoft: string;
	readonly halo: string;
	readonly cluster: string;
	readonly clusterText: string;
	readonly select: string;
	readonly selectHalo: string;
	readonly sensor: string;
	readonly measure: string;
}

const light: Palette = {
	land: "#F4F1EA",
	coast: "#A9C6D2",
	sea: "#C9DFE8",
	water: "#B9D6E2",
	waterLabel: "#3F6B80",
	park: "#D5E6C8",
	forest: "#BFD6B0",
	greenLabel: "#46683A",
	building: "#E0D8CC",
	buildingTall: "#CBBDA5",
	buildingEdge: "#C7BBAA",
	road: "#FFFFFF",
	roadMinor: "#FFFFFF",
	roadCasing: "#D4CBBE",
	motorway: "#F3CF8A",
	motorwayCasing: "#D9AE5C",
	path: "#CFC3B1",
	rail: "#8A8580",
	railSleeper: "#F4F1EA",
	ward: "#7B5EA7",
	wardLabel: "#5D4388",
	prabhag: "#9A83BD",
	label: "#33302C",
	labelSoft: "#5E5850",
	halo: "rgba(255,253,248,0.9)",
	cluster: "#FFFFFF",
	clusterText: "#33302C",
	select: "#0B57D0",
	selectHalo: "rgba(255,255,255,0.9)",
	sensor: "#00695C",
	measure: "#B3261E",
};

const dark: Palette = {
	land: "#1D2125",
	coast: "#2B3A44",
	sea: "#0F1B24",
	water: "#152936",
	waterLabel: "#86AFC4",
	park: "#222E25",
	forest: "#253527",
	greenLabel: "#93B586",
	building: "#31373D",
	buildingTall: "#596069",
	buildingEdge: "#434A51",
	road: "#3C444B",
	roadMinor: "#33393F",
	roadCasing: "#15181B",
	motorway: "#6B5A33",
	motorwayCasing: "#2A2414",
	path: "#3A4047",
	rail: "#6B6965",
	railSleeper: "#1D2125",
	ward: "#A48BD0",
	wardLabel: "#C3AFE8",
	prabhag: "#7D6AA0",
	label: "#D9D4CB",
	labelSoft: "#A9A59D",
	halo: "rgba(21,24,27,0.9)",
	cluster: "#2A3036",
	clusterText: "#E6E1D8",
	select: "#8AB4F8",
	selectHalo: "rgba(10,14,18,0.9)",
	sensor: "#4DB6A5",
	measure: "#F2887F",
};

export const palettes: Readonly<Record<ThemeName, Palette>> = { light, dark };

/** Okabe–Ito, ordered so that neighbours differ for colour-blind readers too. */
export const categorical: readonly string[] = [
	"#0072B2",
	"#D55E00",
	"#009E73",
	"#CC79A7",
	"#E69F00",
	"#56B4E9",
	"#8C7A00",
	"#6B6B6B",
];
