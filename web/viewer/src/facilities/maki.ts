// The Maki shapes in use (CC0), 15 by 15 units, as the text of their SVG files.

import airport from "@mapbox/maki/icons/airport.svg?raw";
import artGallery from "@mapbox/maki/icons/art-gallery.svg?raw";
import bank from "@mapbox/maki/icons/bank.svg?raw";
import beach from "@mapbox/maki/icons/beach.svg?raw";
import bloodBank from "@mapbox/maki/icons/blood-bank.svg?raw";
import building from "@mapbox/maki/icons/building.svg?raw";
import bus from "@mapbox/maki/icons/bus.svg?raw";
import cafe from "@mapbox/maki/icons/cafe.svg?raw";
import cemetery from "@mapbox/maki/icons/cemetery.svg?raw";
import chargingStation from "@mapbox/maki/icons/charging-station.svg?raw";
import cinema from "@mapbox/maki/icons/cinema.svg?raw";
import college from "@mapbox/maki/icons/college.svg?raw";
import dentist from "@mapbox/maki/icons/dentist.svg?raw";
import doctor from "@mapbox/maki/icons/doctor.svg?raw";
import drinkingWater from "@mapbox/maki/icons/drinking-water.svg?raw";
import emergencyPhone from "@mapbox/maki/icons/emergency-phone.svg?raw";
import ferry from "@mapbox/maki/icons/ferry.svg?raw";
import fireStation from "@mapbox/maki/icons/fire-station.svg?raw";
import fitnessCentre from "@mapbox/maki/icons/fitness-centre.svg?raw";
import fuel from "@mapbox/maki/icons/fuel.svg?raw";
import garden from "@mapbox/maki/icons/garden.svg?raw";
import grocery from "@mapbox/maki/icons/grocery.svg?raw";
import hospital from "@mapbox/maki/icons/hospital.svg?raw";
import industry from "@mapbox/maki/icons/industry.svg?raw";
import landmark from "@mapbox/maki/icons/landmark.svg?raw";
import library from "@mapbox/maki/icons/library.svg?raw";
import lodging from "@mapbox/maki/icons/lodging.svg?raw";
import marker from "@mapbox/maki/icons/marker.svg?raw";
import monument from "@mapbox/maki/icons/monument.svg?raw";
import museum from "@mapbox/maki/icons/museum.svg?raw";
import park from "@mapbox/maki/icons/park.svg?raw";
import parking from "@mapbox/maki/icons/parking.svg?raw";
import pharmacy from "@mapbox/maki/icons/pharmacy.svg?raw";
import pitch from "@mapbox/maki/icons/pitch.svg?raw";
import placeOfWorship from "@mapbox/maki/icons/place-of-worship.svg?raw";
import playground from "@mapbox/maki/icons/playground.svg?raw";
import police from "@mapbox/maki/icons/police.svg?raw";
import post from "@mapbox/maki/icons/post.svg?raw";
import rail from "@mapbox/maki/icons/rail.svg?raw";
import railMetro from "@mapbox/maki/icons/rail-metro.svg?raw";
import recycling from "@mapbox/maki/icons/recycling.svg?raw";
import religiousChristian from "@mapbox/maki/icons/religious-christian.svg?raw";
import religiousMuslim from "@mapbox/maki/icons/religious-muslim.svg?raw";
import restaurant from "@mapbox/maki/icons/restaurant.svg?raw";
import school from "@mapbox/maki/icons/school.svg?raw";
import shelter from "@mapbox/maki/icons/shelter.svg?raw";
import shop from "@mapbox/maki/icons/shop.svg?raw";
import stadium from "@mapbox/maki/icons/stadium.svg?raw";
import swimming from "@mapbox/maki/icons/swimming.svg?raw";
import taxi from "@mapbox/maki/icons/taxi.svg?raw";
import theatre from "@mapbox/maki/icons/theatre.svg?raw";
import toilet from "@mapbox/maki/icons/toilet.svg?raw";
import townHall from "@mapbox/maki/icons/town-hall.svg?raw";
import veterinary from "@mapbox/maki/icons/veterinary.svg?raw";
import viewpoint from "@mapbox/maki/icons/viewpoint.svg?raw";
import wasteBasket from "@mapbox/maki/icons/waste-basket.svg?raw";
import water from "@mapbox/maki/icons/water.svg?raw";
import zoo from "@mapbox/maki/icons/zoo.svg?raw";

const files: Readonly<Record<string, string>> = {
	airport: airport,
	"art-gallery": artGallery,
	bank: bank,
	beach: beach,
	"blood-bank": bloodBank,
	building: building,
	bus: bus,
	cafe: cafe,
	cemetery: cemetery,
	"charging-station": chargingStation,
	cinema: cinema,
	college: college,
	dentist: dentist,
	doctor: doctor,
	"drinking-water": drinkingWater,
	"emergency-phone": emergencyPhone,
	ferry: ferry,
	"fire-station": fireStation,
	"fitness-centre": fitnessCentre,
	fuel: fuel,
	garden: garden,
	grocery: grocery,
	hospital: hospital,
	industry: industry,
	landmark: landmark,
	library: library,
	lodging: lodging,
	marker: marker,
	monument: monument,
	museum: museum,
	park: park,
	parking: parking,
	pharmacy: pharmacy,
	pitch: pitch,
	"place-of-worship": placeOfWorship,
	playground: playground,
	police: police,
	post: post,
	rail: rail,
	"rail-metro": railMetro,
	recycling: recycling,
	"religious-christian": religiousChristian,
	"religious-muslim": religiousMuslim,
	restaurant: restaurant,
	school: school,
	shelter: shelter,
	shop: shop,
	stadium: stadium,
	swimming: swimming,
	taxi: taxi,
	theatre: theatre,
	toilet: toilet,
	"town-hall": townHall,
	veterinary: veterinary,
	viewpoint: viewpoint,
	"waste-basket": wasteBasket,
	water: water,
	zoo: zoo,
};

/** The path data of an icon, all its paths joined; the marker when there is none. */
export function makiPath(icon: string): string {
	const svg = files[icon] ?? marker;
	return [...svg.matchAll(/\sd="([^"]+)"/g)].map((m) => (m[1] ?? "").replace(/&#x[0-9a-fA-F]+;/g, " ")).join(" ");
}
