import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { mapReady, openBrowser, openPage, pixel, until, type Watched } from "./browser";
import { type RunningCity, startCity } from "./city";

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

/** Every test also fails on an error in the console or a request to another host. */
afterEach(async () => {
	const faults = open.flatMap((w) => w.faults);
	await Promise.all(open.map((w) => w.context.close()));
	open = [];
	expect(faults).toEqual([]);
});

async function visit(path: string, options: Parameters<typeof openPage>[2] = {}): Promise<Watched> {
	const w = await openPage(browser, city.url + path, options);
	open.push(w);
	await mapReady(w.page);
	return w;
}

interface Place {
	readonly key: string;
	readonly name: string;
	readonly lon: number;
	readonly lat: number;
}

/** The hospital nearest to Dadar, as the server knows it. */
async function hospital(): Promise<Place> {
	const r = await fetch(`${city.url}/api/near?collection=facilities&lon=72.8438&lat=19.0186&k=1&filter=category='hospital'`);
	const body = (await r.json()) as GeoJSON.FeatureCollection<GeoJSON.Point> & { features: { key?: number }[] };
	const f = body.features[0];
	if (!f) throw new Error("the demo city has no hospital");
	const [lon = 0, lat = 0] = f.geometry.coordinates;
	return { key: String((f as { key?: number }).key ?? f.id), name: String(f.properties?.name), lon, lat };
}

describe("the public map", () => {
	test("opens on the city: title, map, synthetic chip, live connection", async () => {
		const { page } = await visit("/?lang=en");
		expect(await page.title()).toContain("Mumbai");
		expect(await page.locator("canvas.maplibregl-canvas").count()).toBe(1);
		await page.getByText("Synthetic data").waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		// Land, sea and roads: a map is not one colour.
		const colours = new Set<string>();
		for (let x = 420; x < 1180; x += 60) colours.add(await pixel(page, x, 420));
		expect(colours.size).toBeGreaterThan(3);
	});

	test("a tap opens a card, whose permalink opens the same card", async () => {
		const h = await hospital();
		const { page } = await visit(`/?lang=en&at=17/${h.lat}/${h.lon}`);
		await page.mouse.click(640, 400);
		const heading = page.locator("#card-title");
		await until("the card", async () => (await heading.textContent()) === h.name);
		await expect.poll(() => page.locator(".card-header p").textContent()).toContain("Hospital");
		await page
			.getByText(/Open day and night|Open until|Closed|Hours not known/)
			.first()
			.waitFor();
		expect(new URL(page.url()).searchParams.get("sel")).toContain("facilities/");

		const link = await page.locator("a.permalink").getAttribute("href");
		await page.getByRole("button", { name: "Copy link" }).click();
		expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);

		const second = await openPage(browser, String(link));
		open.push(second);
		await mapReady(second.page);
		await until("the same card", async () => (await second.page.locator("#card-title").textContent()) === h.name);
		await until("the map at the place", async () => {
			const at = new URL(second.page.url()).searchParams.get("at")?.split("/").map(Number) ?? [];
			return Math.abs((at[1] ?? 0) - h.lat) < 0.01 && Math.abs((at[2] ?? 0) - h.lon) < 0.01;
		});

		// Back closes what the tap opened.
		await page.goBack();
		await until("the card gone", async () => (await heading.count()) === 0);
		await page.goForward();
		await until("the card again", async () => (await heading.textContent()) === h.name);
	});

	test("what is near: in order, with distance in a straight line and opening state", async () => {
		const { page } = await visit("/?lang=en");
		await page.getByRole("button", { name: "Nearby" }).click();
		await page.getByRole("button", { name: "Near me" }).click();
		await page.getByRole("button", { name: "Hospital", exact: true }).click();
		const rows = page.locator("#near-results > li");
		await until("ten hospitals", async () => (await rows.count()) === 10);
		await page.getByText("straight line").waitFor();
		const texts = await rows.allTextContents();
		const metres = texts.map((t) => {
			const m = /([\d.,]+) (m|km)/.exec(t);
			return Number(m?.[1]?.replaceAll(",", "")) * (m?.[2] === "km" ? 1000 : 1);
		});
		expect(metres).toEqual([...metres].sort((a, b) => a - b));
		for (const t of texts) expect(t).toMatch(/Open|Closed|Hours not known/);
		for (const t of texts) expect(t).toMatch(/min walk/);
		await rows.first().getByRole("button").click();
		await page.locator("#card-title").waitFor();
	});

	test("a place can be asked about: right-click", async () => {
		const { page } = await visit("/?lang=en&at=15/19.0186/72.8438");
		await page.mouse.click(700, 420, { button: "right" });
		await page.getByRole("heading", { name: "What is here" }).waitFor();
		await page.locator(".detail").getByText("Ward", { exact: false }).first().waitFor();
		expect(page.url()).toContain("here=");
	});

	test("speaks three languages, interface and labels", async () => {
		const { page } = await visit("/?lang=en");
		await page.getByRole("button", { name: "मराठी" }).click();
		await until("Marathi", async () => (await page.locator("html").getAttribute("lang")) === "mr");
		expect(page.url()).toContain("lang=mr");
		expect(await page.title()).toContain("मुंबई");
		await page.getByRole("button", { name: "थर" }).click();
		await page.getByRole("heading", { name: "थर" }).waitFor();
		await page.getByRole("button", { name: "हिन्दी" }).click();
		await page.getByRole("heading", { name: "परतें" }).waitFor();
		await page.goBack();
		await page.getByRole("heading", { name: "थर" }).waitFor();
	});

	test("the address restores layers, theme and view", async () => {
		const { page } = await visit("/?lang=en&panel=layers");
		await page.getByRole("switch", { name: /^Rail/ }).click();
		await page.getByRole("switch", { name: /^Green spaces/ }).click();
		await page.getByRole("switch", { name: /^Green spaces/ }).click();
		await page.getByRole("button", { name: "Dark map" }).click();
		await page.getByRole("button", { name: "Show buildings in 3D" }).click();
		await until("the address", async () => /view=3d/.test(page.url()) && /theme=dark/.test(page.url()));
		const again = await visit(page.url().slice(city.url.length));
		expect(await again.page.locator("html").getAttribute("data-theme")).toBe("dark");
		expect(await again.page.getByRole("switch", { name: /^Rail/ }).isChecked()).toBe(false);
		expect(await again.page.getByRole("switch", { name: /^Green spaces/ }).isChecked()).toBe(true);
		await again.page.getByRole("button", { name: "Show flat map" }).waitFor();
	});

	test("measures distance and area", async () => {
		const { page } = await visit("/?lang=en&panel=measure&at=14/19.02/72.845");
		for (const [x, y] of [
			[500, 300],
			[700, 300],
			[700, 500],
		] as const) {
			await page.mouse.click(x, y);
			await page.waitForTimeout(350); // a faster click would be a double click
		}
		await until("an area", async () => (await page.locator("#measure-area").count()) === 1);
		// 200 pixels at zoom 14 and 19.02° north are 902 m.
		expect(await page.locator("#measure-distance").textContent()).toMatch(/^1\.8\d? km$/);
		await page.getByRole("button", { name: "Close shape" }).click();
		expect(await page.locator("#measure-area").textContent()).toMatch(/^4\d(\.\d+)? ha$/);
	});

	test("a link to nothing says so", async () => {
		const w = await openPage(browser, `${city.url}/?lang=en&sel=facilities/nothing-here`);
		open.push(w);
		await w.page.getByText("not here any more").waitFor();
		// The browser itself notes the 404 that this test asks for.
		w.faults.splice(0, w.faults.length, ...w.faults.filter((f) => !f.includes("404")));
	});

	test("says that it is offline, and that the map stays", async () => {
		const w = await visit("/?lang=en");
		await w.context.setOffline(true);
		await w.page.getByText("You are offline").waitFor();
		await w.context.setOffline(false);
		await until("the banner gone", async () => (await w.page.getByText("You are offline").count()) === 0);
		w.faults.splice(0, w.faults.length, ...w.faults.filter((f) => !/ERR_INTERNET_DISCONNECTED/.test(f)));
	});
});

describe("live", () => {
	let folder: string;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), "nagar-e2e-live-"));
	});
	afterAll(() => rm(folder, { recursive: true, force: true }));

	/** A square of about 400 m around a place, far out of the way of the demo's own features. */
	async function square(lon: number, lat: number): Promise<string> {
		const d = 0.002;
		const ring = [
			[lon - d, lat - d],
			[lon + d, lat - d],
			[lon + d, lat + d],
			[lon - d, lat + d],
			[lon - d, lat - d],
		];
		const file = join(folder, `squares-${lon}.geojson`);
		const feature = {
			type: "Feature",
			id: "one",
			properties: { name: "Trial square", kind: "trial" },
			geometry: { type: "Polygon", coordinates: [ring] },
		};
		await writeFile(file, JSON.stringify({ type: "FeatureCollection", features: [feature] }));
		return file;
	}

	test("a file loaded while the map is open appears by itself, and moves when it is changed", async () => {
		const [lon, lat] = [72.8438, 19.0186];
		const { page } = await visit(`/?lang=en&panel=layers&at=15.5/${lat}/${lon}`);
		await page.getByText("Live", { exact: true }).waitFor();
		const before = await pixel(page, 760, 460);
		const summary = await city.importer("load", "trial_squares", "--from", await square(lon, lat), "--public");
		expect(summary).toMatchObject({ loaded: 1, rejected: 0 });
		await page.getByRole("switch", { name: /^Trial squares/ }).waitFor();
		await until("the square on the map", async () => (await pixel(page, 760, 460)) !== before);

		await city.importer("load", "trial_squares", "--from", await square(lon + 0.05, lat), "--public");
		await until("the square gone from here", async () => (await pixel(page, 760, 460)) === before);
	});
});

describe("without a mouse", () => {
	test("search, card, list and map by keys alone", async () => {
		const h = await hospital();
		const { page } = await visit("/?lang=en");
		await page.keyboard.press("/");
		expect(await page.evaluate(() => document.activeElement?.id)).toBe("search");
		await page.keyboard.type(h.name);
		// What comes for the first letters may name something else.
		await page.locator("[role=option]").first().getByText(h.name).waitFor();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		await until("the card", async () => (await page.locator("#card-title").textContent()) === h.name);
		await page.keyboard.press("Escape");
		await until("the card closed", async () => (await page.locator("#card-title").count()) === 0);

		// The focus is on the map now: it zooms, moves, and selects what is in its middle.
		const zoom = () => Number(new URL(page.url()).searchParams.get("at")?.split("/")[0] ?? 0);
		const before = zoom();
		await page.keyboard.press("+");
		await until("nearer", async () => zoom() > before + 0.5);
		const lat = () => Number(new URL(page.url()).searchParams.get("at")?.split("/")[1] ?? 0);
		const south = lat();
		await page.keyboard.press("ArrowUp");
		await until("further north", async () => lat() > south);

		// Everything on the map is in the list, and the list is reached by Tab.
		await tabTo(page, "List");
		await page.keyboard.press("Enter");
		await page.locator(".list .result").first().waitFor();
		await tabTo(page, "Filter this list");
		await page.keyboard.type("zzzz no such thing");
		await page.getByText("Nothing matches the filter").waitFor();
		await page.keyboard.press("Control+A");
		await page.keyboard.press("Delete");
		await page.locator(".list .result").first().waitFor();
		await page.keyboard.press("Tab");
		await page.keyboard.press("Enter");
		await page.locator("#card-title").waitFor();
	});

	test("Enter on the map selects what is in the middle", async () => {
		const h = await hospital();
		const { page } = await visit(`/?lang=en&at=17/${h.lat}/${h.lon}`);
		await page.locator("canvas.maplibregl-canvas").focus();
		await page.keyboard.press("Enter");
		await until("the card", async () => (await page.locator("#card-title").textContent()) === h.name);
	});
});

/** Presses Tab until the named control has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press("Tab");
		const found = await page.evaluate(() => {
			const e = document.activeElement as HTMLInputElement | null;
			return e?.getAttribute("aria-label") ?? e?.textContent?.trim() ?? "";
		});
		const label = await page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.placeholder ?? "");
		if (found === name || label === name) return;
	}
	throw new Error(`Tab never reached ${name}`);
}

describe("for everybody", () => {
	const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
	const cases: readonly [string, string, Parameters<typeof openPage>[2]][] = [
		["layers on a desk, light", "/?lang=en&panel=layers", {}],
		["near in Marathi, dark", "/?lang=mr&theme=dark&panel=near&near=hospital@19.0186,72.8438", {}],
		["list in Hindi", "/?lang=hi&panel=list&at=15/19.0186/72.8438", {}],
		["measure and help", "/?lang=en&panel=help", {}],
		["what is here on a phone", "/?lang=en&here=19.0186,72.8438&at=15/19.0186/72.8438", phone],
		["layers on a phone, dark", "/?lang=mr&theme=dark&panel=layers", phone],
	];
	test.each(cases)("axe finds nothing serious: %s", async (_name, path, options) => {
		const { page } = await visit(path, options);
		await page.waitForTimeout(600);
		await page.evaluate(axe.source);
		const result = await page.evaluate(async () => {
			const run = (
				globalThis as unknown as {
					axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
				}
			).axe;
			return (await run.run()).violations;
		});
		const serious = result.filter((v) => v.impact === "serious" || v.impact === "critical");
		expect(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`)).toEqual([]);
	});

	test("nothing is wider than a phone", async () => {
		const { page } = await visit("/?lang=mr&panel=near", phone);
		const width = await page.evaluate(() => document.documentElement.scrollWidth);
		expect(width).toBeLessThanOrEqual(390);
		for (const b of await page.locator("button:visible").all()) {
			const box = await b.boundingBox();
			if (box && box.width > 0) expect(box.x + box.width, (await b.textContent()) ?? "").toBeLessThanOrEqual(391);
		}
	});
});
