// The registry's story, from a wrong record to a printed sheet: a floor more than is
// permitted is recorded, a finding appears by itself, an officer opens the structure,
// sees the tax record, splits it, takes that back, merges it, prints it; the timeline
// tells all of it, and last year's page shows the old state.

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBrowser, until, type Watched } from "./browser";
import { type RunningCity, startCity } from "./city";
import { signIn } from "./people";
import { buildings, fillRecords, type Known, taxAccount } from "./records";

let city: RunningCity;
let browser: Browser;
let known: Known;
let neighbour: Known;
let open: Watched[] = [];

beforeAll(async () => {
	city = await startCity();
	browser = await openBrowser();
	[known, neighbour] = await buildings(city);
	await fillRecords(city, known);
});

afterAll(async () => {
	await browser?.close();
	await city?.stop();
});

afterEach(async () => {
	const faults = open.flatMap((w) => w.faults);
	await Promise.all(open.map((w) => w.context.close()));
	open = [];
	expect(faults).toEqual([]);
});

async function signedIn(path: string): Promise<Page> {
	const account = {
		name: "storyteller",
		title: "Officer of the story",
		roles: ["officer", "administrator"],
		department: "Building Proposals",
	};
	const w = await signIn(browser, city, account, path);
	open.push(w);
	return w.page;
}

const rule = "floors_above_permit";
const record = (page: Page) => page.getByRole("button", { name: "Record", exact: true }).click();

/** Waits until the timeline has it. It shows its newest five moments, and the others when asked. */
const told = (page: Page, what: () => Locator) =>
	until("the timeline tells it", async () => {
		const more = page.locator(".part-timeline").getByRole("button", { name: /^Show all/ });
		if (await more.isVisible()) await more.click();
		return what().first().isVisible();
	});

test("from a floor too many to a printed sheet", async () => {
	const floors = Number(
		(await city.admin<{ facts: { name: string; value: unknown }[] }>("GET", `/api/structures/${known.uid}`)).facts.find(
			(f) => f.name === "floors",
		)?.value ?? 0,
	);
	const permit = { type: "Feature", geometry: null, properties: { uid: known.uid, number: "CHE/417/BP", floors } };
	await city.admin("POST", "/api/features/building_permits", permit, { "Content-Type": "application/geo+json" });
	const page = await signedIn(`/?lang=en&desk=findings&where=rule:${rule},state:open`);
	await page.getByRole("heading", { name: "Findings" }).waitFor();
	await until("the list", async () => (await page.locator(".desk .skeleton").count()) === 0);

	// A floor more is recorded; the open board shows the finding without being asked.
	await city.admin("POST", `/api/structures/${known.uid}/events`, {
		kind: "correct",
		properties: { floors: floors + 1 },
		date: new Date().toISOString().slice(0, 10),
		evidence: "Site visit 417",
	});
	const line = page.getByRole("button", { name: new RegExp(`${floors + 1} floors stand, ${floors} are permitted`) }).first();
	await line.waitFor();
	await line.click();
	await page.getByRole("button", { name: "Open structure" }).click();
	await page.locator(".structure-head code", { hasText: known.uid }).waitFor();
	await page.locator(".part-findings").getByText("More floors than permitted").waitFor();
	await page.getByText("Assessor and Collector").first().click();
	await page.getByText(taxAccount).first().waitFor();

	await page.getByRole("button", { name: "Show on map" }).click();
	await page.getByRole("button", { name: "Split", exact: true }).click();
	await until("both parts", async () => {
		// The outline is in the middle of the map that the page leaves free.
		const box = await page.locator(".structure").boundingBox();
		const x = (box?.x ?? 640) / 2;
		await page.mouse.click(x, 120);
		await page.mouse.click(x, 760);
		return page.getByText(/^Two parts: /).isVisible();
	});
	await record(page);
	await told(page, () => page.locator(".timeline").getByText("Split", { exact: true }));
	await page.getByRole("button", { name: "Undo last step" }).click();
	await record(page);
	await told(page, () => page.locator(".timeline .undone").getByText("Split", { exact: true }));

	await page.getByRole("button", { name: "Merge with a neighbour" }).click();
	await page.getByLabel("Number of the neighbour").fill(neighbour.uid);
	await record(page);
	await told(page, () => page.locator(".timeline").getByText("Merged"));
	await told(page, () => page.locator(".timeline").getByText("Found: More floors than permitted"));
	await told(page, () => page.locator(".timeline").getByText("Site visit 417"));

	await page.emulateMedia({ media: "print" });
	await page.locator(".print-sheet .qr").waitFor();
	expect(await page.locator(".print-sheet").textContent()).toContain(known.uid);
	await page.emulateMedia({ media: "screen" });

	const lastYear = `${new Date().getFullYear() - 1}-06-30`;
	await page.goto(`${city.url}/?lang=en&structure=${known.uid}&asof=${lastYear}`);
	const shown = page.locator(".tiles > div", { hasText: "Floors" });
	await until("last year's floors", async () => new RegExp(`${floors}$`).test(String(await shown.textContent())));
	expect(await page.locator(".timeline").textContent()).not.toContain("Merged");
	await page.getByRole("button", { name: "Today", exact: true }).click();
	await told(page, () => page.locator(".timeline").getByText("Merged"));
}, 600_000);
