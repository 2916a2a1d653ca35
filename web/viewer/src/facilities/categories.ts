// Categories of facilities: their icon (Maki), group and place in lists. The
// names are in the language files under "cat.<category>".

export type Group =
	| "health"
	| "safety"
	| "education"
	| "civic"
	| "transport"
	| "food"
	| "money"
	| "culture"
	| "outdoors"
	| "utility"
	| "other";

/** Icon backgrounds; white on each has a contrast of at least 4.5:1. */
export const groupColors: Readonly<Record<Group, string>> = {
	health: "#B3263A",
	safety: "#23508E",
	education: "#85520B",
	civic: "#5B4390",
	transport: "#3F5966",
	food: "#A8480C",
	money: "#2C6B5A",
	culture: "#8F3376",
	outdoors: "#3C6E2B",
	utility: "#16677F",
	other: "#5E5850",
};

export interface Category {
	readonly icon: string;
	readonly group: Group;
}

const table: Readonly<Record<Group, readonly string[]>> = {
	health: [
		"hospital",
		"clinic:doctor",
		"dispensary:doctor",
		"health_post:doctor",
		"maternity_home:hospital",
		"pharmacy",
		"dentist",
		"blood_bank:blood-bank",
		"veterinary",
		"diagnostic_centre:hospital",
	],
	safety: ["police", "fire_station:fire-station", "shelter", "night_shelter:shelter", "emergency:emergency-phone"],
	education: ["school", "college", "university:college", "library", "anganwadi:playground", "kindergarten:playground"],
	civic: [
		"ward_office:town-hall",
		"government_office:town-hall",
		"town_hall:town-hall",
		"civic_centre:town-hall",
		"citizen_centre:town-hall",
		"court:landmark",
		"post_office:post",
		"community_centre:building",
		"community_hall:building",
	],
	transport: [
		"railway_station:rail",
		"station:rail",
		"metro_station:rail-metro",
		"bus_station:bus",
		"bus_depot:bus",
		"bus_stop:bus",
		"parking",
		"taxi",
		"ferry_terminal:ferry",
		"jetty:ferry",
		"charging_station:charging-station",
		"ev_charging:charging-station",
		"fuel",
		"airport",
	],
	food: ["market:grocery", "supermarket:grocery", "restaurant", "cafe", "ration_shop:shop", "canteen:restaurant", "shop"],
	money: ["bank", "atm:bank"],
	culture: [
		"museum",
		"theatre",
		"cinema",
		"temple:place-of-worship",
		"place_of_worship:place-of-worship",
		"mosque:religious-muslim",
		"church:religious-christian",
		"monument",
		"gallery:art-gallery",
		"hotel:lodging",
	],
	outdoors: [
		"park",
		"garden",
		"playground",
		"sports_ground:pitch",
		"sports_complex:stadium",
		"stadium",
		"gym:fitness-centre",
		"swimming_pool:swimming",
		"zoo",
		"beach",
		"viewpoint",
	],
	utility: [
		"toilet",
		"toilets:toilet",
		"public_toilet:toilet",
		"drinking_water:drinking-water",
		"water_point:drinking-water",
		"waste_centre:recycling",
		"recycling",
		"waste_collection:waste-basket",
		"pumping_station:water",
		"water_office:water",
		"crematorium:cemetery",
		"cemetery",
		"substation:industry",
	],
	other: [],
};

const byName = new Map<string, Category>();
for (const [group, entries] of Object.entries(table) as [Group, readonly string[]][]) {
	for (const e of entries) {
		const [name = "", icon] = e.split(":");
		byName.set(name, { group, icon: icon ?? name.replaceAll("_", "-") });
	}
}

/** Known categories in the order of the table. */
export const knownCategories: readonly string[] = [...byName.keys()];

/** The icon and group of a category; unknown ones get a plain marker. */
export function categoryOf(name: unknown): Category {
	return byName.get(String(name ?? "")) ?? { icon: "marker", group: "other" };
}

/** Quick choices of the "near me" panel, most needed first; those the data lacks are left out. */
export const quickCategories: readonly string[] = [
	"hospital",
	"pharmacy",
	"public_toilet",
	"toilet",
	"toilets",
	"police",
	"fire_station",
	"ward_office",
	"clinic",
	"dispensary",
	"school",
	"market",
	"library",
	"post_office",
	"bank",
	"ration_shop",
	"blood_bank",
	"maternity_home",
	"health_post",
	"college",
	"anganwadi",
	"community_hall",
	"charging_station",
	"bus_stop",
	"bus_depot",
	"railway_station",
	"metro_station",
	"waste_centre",
	"park",
	"temple",
	"theatre",
	"atm",
];
