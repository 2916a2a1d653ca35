// One building of the demo city as the departments know it: certificates, tax, water,
// units, other numbers, a life. Made through the server's own writing paths.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningCity } from "./city";

export interface Known {
	readonly uid: string;
	/** The building's id in its collection. */
	readonly id: string;
	readonly name: string;
	readonly lon: number;
	readonly lat: number;
}

export const owner = "Vasanti Trialname";
export const taxAccount = "FS/0417-22/9";

/**
 * The named building nearest to Dadar that no department of the demo has a record of,
 * and the rectangular one next to it.
 */
export async function buildings(city: RunningCity): Promise<readonly [Known, Known]> {
	const r = await fetch(`${city.url}/api/near?collection=buildings&lon=72.8438&lat=19.0186&k=200`);
	const page = (await r.json()) as GeoJSON.FeatureCollection<GeoJSON.Polygon>;
	const free: Known[] = [];
	for (const f of page.features) {
		const ring = f.geometry.coordinates[0] ?? [];
		// Its middle lies in it.
		if (f.geometry.type !== "Polygon" || ring.length !== 5) continue;
		if (free.length === 0 && !f.properties?.name) continue;
		const uid = String(f.properties?.uid);
		const s = await city.admin<{ records: unknown[]; aliases: unknown[] }>("GET", `/api/structures/${uid}`);
		if (s.records.length > 0 || s.aliases.length > 0) continue;
		const mean = (i: number) => ring.slice(0, 4).reduce((sum, p) => sum + (p[i] ?? 0), 0) / 4;
		free.push({ uid, id: String(f.id), name: String(f.properties?.name ?? ""), lon: mean(0), lat: mean(1) });
		if (free[0] && free[1]) return [free[0], free[1]];
	}
	throw new Error("the demo city has no two buildings near Dadar that no department knows");
}

const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

type Row = Readonly<Record<string, unknown>>;

/** Writes what departments know of the building. */
export async function fillRecords(city: RunningCity, b: Known): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), "nagar-e2e-records-"));
	const load = async (name: string, rows: readonly Row[], ...flags: string[]) => {
		const file = join(folder, `${name}.geojson`);
		const features = rows.map(({ id, ...properties }) => ({ type: "Feature", id, properties, geometry: null }));
		await writeFile(file, JSON.stringify({ type: "FeatureCollection", features }));
		const done = await city.importer("load", name, "--from", file, ...flags);
		if (Number(done.rejected) > 0) throw new Error(`${name}: ${JSON.stringify(done)}`);
	};
	const define = async (name: string, title: Row, department: string, fields: readonly Row[]) => {
		const schema = join(folder, `${name}.json`);
		const link = { name: "uid", type: "text", class: "internal", link: "structures" };
		await writeFile(
			schema,
			JSON.stringify({ name, title, owner: department, class: "internal", geometry: "none", fields: [link, ...fields] }),
		);
		await city.importer("define", name, "--schema", schema);
	};
	const field = (name: string, type: string, en: string, cls = "internal") => ({ name, type, class: cls, title: { en } });
	const dates = [field("issued", "date", "Issued"), field("expires", "date", "Expires")];
	const uid = b.uid;
	await define("trial_fire_noc", { en: "Fire NOC", mr: "अग्निशमन ना-हरकत", hi: "अग्नि अनापत्ति" }, "Fire Brigade", [
		field("number", "text", "Number"),
		...dates,
	]);
	await define("trial_lifts", { en: "Lift licence", mr: "उद्वाहन परवाना", hi: "लिफ़्ट लाइसेंस" }, "Lift Inspectorate", dates);
	await define("trial_occupation", { en: "Occupation certificate" }, "Building Proposals", dates);
	await define("trial_tax", { en: "Property tax assessment" }, "Assessor and Collector", [
		field("account", "text", "Account"),
		field("assessed_m2", "real", "Assessed area"),
		field("owner", "text", "Owner", "personal"),
	]);
	await load("trial_fire_noc", [{ id: "f1", uid, number: "CFO/2231", issued: day(-800), expires: day(-70) }]);
	await load("trial_lifts", [
		{ id: "l1", uid, issued: day(-330), expires: day(35) },
		{ id: "l2", uid, issued: day(-100), expires: day(265) },
	]);
	await load("trial_occupation", [{ id: "o1", uid, issued: day(-4000) }]);
	await load(
		"trial_tax",
		Array.from({ length: 60 }, (_, i) => ({
			id: `t${i}`,
			uid,
			account: `FS/0417-${i}`,
			assessed_m2: 48 + (i % 7) * 4,
			owner: i === 0 ? owner : `Trial Person ${i}`,
		})),
	);
	const key = taxAccount.replace(/[^0-9A-Z]/gi, "").toUpperCase();
	await load("aliases", [
		{ id: `property_tax:${key}`, uid, scheme: "property_tax", value: taxAccount, key, source: "Assessor and Collector" },
		{ id: "cts:1482", uid, scheme: "cts", value: "CTS 1482/B", key: "CTS1482B", source: "City Survey Office" },
		{ id: "digipin:4FJ", uid, scheme: "digipin", value: "4FJ-88C-T2PM", key: "4FJ88CT2PM", source: "DIGIPIN grid" },
	]);
	const floors = ["00", "01", "02", "03", "04"];
	await load(
		"units",
		floors.flatMap((floor) =>
			[1, 2, 3, 4].map((n) => ({
				id: `${uid}/${floor}-000${n}`,
				uid,
				unit: `${floor}-000${n}`,
				floor,
				use: floor === "00" ? "commercial" : "residential",
				area_m2: floor === "00" ? 31.5 : 56,
			})),
		),
	);
	await rm(folder, { recursive: true, force: true });
}
