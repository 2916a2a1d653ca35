// A department's own things, drawn and looked after in a real browser: a drain with
// its depth, changed, changed by two at once, inspected, ended.

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mapReady, openBrowser, openPage, until, type Watched } from "./browser";
import { type RunningCity, startCity } from "./city";
import { signIn } from "./people";

let city: RunningCity;
let browser: Browser;
let open: Watched[] = [];

beforeAll(async () => {
	city = await startCity();
	browser = await openBrowser();
});

afterAll(async () => {
	await browser?.close();
	await city?.stop();
});

afterEach(async () => {
	await Promise.all(open.map((w) => w.context.close()));
	open = [];
});

async function signedIn(name: string, path: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
	const account = { name, title: `${name} Trial`, roles: ["administrator"], department: "Utilities Coordination" };
	const w = await signIn(browser, city, account, path, options);
	open.push(w);
	return w.page;
}

interface Feature {
	readonly id: string;
	readonly properties: Readonly<Record<string, unknown>>;
	readonly geometry: { readonly type: string; readonly coordinates: readonly (readonly number[])[] };
	readonly version: { readonly rev: number };
}

async function drains(): Promise<Feature[]> {
	const filter = encodeURIComponent("kind = 'storm_drain' AND depth_m = 1.75");
	const r = await city.admin<{ features: Feature[] }>("GET", `/api/within?collection=networks&bbox=72,18,74,20&filter=${filter}`);
	return r.features;
}

const stored = (id: string) => city.admin<Feature>("GET", `/api/features/networks/${id}`);

/** Where a tap on the map lands on the page: in the right half, which nothing covers. */
const spots = [
	{ x: 640, y: 300 },
	{ x: 760, y: 360 },
	{ x: 860, y: 420 },
] as const;

test("an officer draws a drain, changes it, meets another's change, inspects it and ends it", async () => {
	const page = await signedIn("drawer", "/?lang=en&at=17.5/19.0186/72.8438&panel=draw");
	const map = page.locator("#map canvas").first();
	await page.getByRole("button", { name: "Pipes and cables" }).first().click();
	await page.getByText("Tap where the line begins.").waitFor();
	expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
	for (const s of spots) await map.click({ position: s });
	await page.getByText(/^Length /).waitFor();
	await page.getByRole("button", { name: "Undo" }).click();
	await map.click({ position: spots[2] });
	// The form is the collection's: what is required is asked for, lists are lists.
	await page.getByLabel(/^Kind/).selectOption({ label: "Storm-water drain" });
	await page.getByLabel(/^Depth/).fill("1.75");
	await page.getByLabel(/^Laid/i).fill("2024-05-20");
	await page.getByRole("button", { name: "Save" }).click();
	await until("the drain is stored", async () => (await drains()).length === 1);
	const drain = (await drains())[0] as Feature;
	expect((await stored(drain.id)).geometry.coordinates).toHaveLength(3);
	expect((await stored(drain.id)).properties.due).toBe("2025-05-20");

	// Its card opens, the tile has it, and the shape can be changed.
	await page.getByRole("button", { name: "Change shape" }).waitFor();
	expect(page.url()).toContain("sel=networks/");
	const at = (await stored(drain.id)).geometry.coordinates[0] ?? [];
	const n = 2 ** 16;
	const x = Math.floor((((at[0] ?? 0) + 180) / 360) * n);
	const y = Math.floor(((1 - Math.asinh(Math.tan(((at[1] ?? 0) * Math.PI) / 180)) / Math.PI) / 2) * n);
	const tile = `/tiles/networks/16/${x}/${y}.mvt?filter=${encodeURIComponent("depth_m = 1.75")}`;
	await until("the tile has it", () => page.evaluate(async (path) => (await fetch(path)).status === 200, tile));
	await page.getByText("Overdue: was due by 20 May 2025").waitFor();

	await page.getByRole("button", { name: "Record an inspection" }).click();
	await page.getByLabel(/^Condition/).selectOption({ label: "Fair" });
	await page.getByLabel(/^Date/).fill("2026-10-05");
	await page.getByRole("form", { name: "Record an inspection" }).getByRole("button", { name: "Save" }).click();
	await page.getByText("Next inspection by 5 Oct 2027").waitFor();
	expect((await stored(drain.id)).properties).toMatchObject({ condition: "fair", inspected: "2026-10-05", due: "2027-10-05" });

	await page.getByRole("button", { name: "Change shape" }).click();
	await page.getByText("Tap a corner to move it.", { exact: false }).waitFor();
	// Meanwhile somebody else changes it.
	await city.admin("PATCH", `/api/features/networks/${drain.id}`, { properties: { operator: "Another" } }, { "If-Match": "*" });
	await page.waitForTimeout(500);
	await map.click({ position: { x: 900, y: 250 } });
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("Somebody else changed this meanwhile.", { exact: false }).waitFor();
	await page.getByRole("button", { name: "Save mine anyway" }).click();
	await until("the shape is changed and theirs is kept", async () => {
		const f = await stored(drain.id);
		return f.geometry.coordinates.length === 4 && f.properties.operator === "Another";
	});

	await page.getByRole("button", { name: "Delete" }).click();
	await page
		.getByRole("group", { name: /Delete this/ })
		.getByRole("button", { name: "Delete" })
		.click();
	await until("the drain has ended", async () => (await drains()).length === 0);
	expect(await page.evaluate(async (path) => (await fetch(path)).status, tile)).toBe(204);
	// The open card may ask once more for what was just deleted.
	const faults = open.flatMap((w) => w.faults).filter((f) => !/412|404.*\/api\/features\/networks\//.test(f));
	expect(faults).toEqual([]);
});

test("works at one place and time are told; on a phone everything fits", async () => {
	const line = {
		type: "LineString",
		coordinates: [
			[72.8428, 19.0186],
			[72.8448, 19.0186],
		],
	};
	await city.admin("POST", "/api/features/works", {
		type: "Feature",
		geometry: line,
		properties: { name: "Gas trench", kind: "trench", starts: "2099-01-01", ends: "2099-02-01", status: "planned" },
	});
	const page = await signedIn("phone", "/?lang=en&at=17.5/19.0186/72.8438&panel=draw", {
		viewport: { width: 390, height: 844 },
		hasTouch: true,
	});
	await page.getByRole("button", { name: "Works", exact: true }).click();
	await page.getByRole("button", { name: "Line" }).click();
	const map = page.locator("#map canvas").first();
	for (const position of [
		{ x: 100, y: 200 },
		{ x: 300, y: 200 },
		{ x: 195, y: 300 },
	])
		await map.click({ position });
	await page.getByLabel(/^Starts/).fill("2099-01-15");
	const wide = await page.evaluate(() => document.documentElement.scrollWidth);
	expect(wide).toBeLessThanOrEqual(390);
	await page.getByRole("button", { name: "Save" }).scrollIntoViewIfNeeded();
	await page.getByRole("button", { name: "Save" }).click();
	await until("it is stored", async () => {
		const r = await city.admin<{ features: Feature[] }>(
			"GET",
			`/api/within?collection=works&bbox=72,18,74,20&filter=${encodeURIComponent("starts > DATE('2098-12-31')")}`,
		);
		return r.features.length === 2;
	});
	expect(open.flatMap((w) => w.faults)).toEqual([]);
});

test("who may write nothing is offered nothing", async () => {
	const w = await openPage(browser, `${city.url}/?lang=en`);
	open.push(w);
	await mapReady(w.page);
	await w.page.getByRole("button", { name: "Menu" }).click();
	expect(await w.page.getByRole("button", { name: "Draw and edit" }).count()).toBe(0);
});
