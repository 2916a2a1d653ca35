// The department's page of a structure, in a real browser on a real city: found by
// number, tap and account, looked at on two days, printed, and changed.

import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mapReady, openBrowser, openPage, until, type Watched } from "./browser";
import { type RunningCity, startCity } from "./city";
import { signIn } from "./people";
import { buildings, fillRecords, type Known, owner, taxAccount } from "./records";

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

async function visit(path: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
	const w = await openPage(browser, city.url + path, options);
	open.push(w);
	await mapReady(w.page);
	return w.page;
}

async function signedIn(name: string, path: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
	const account = { name, title: `${name} Trial`, roles: ["officer", "administrator"], department: "Assessor and Collector" };
	const w = await signIn(browser, city, account, path, options);
	open.push(w);
	return w.page;
}

const search = (page: Page, text: string) => page.getByRole("combobox").first().fill(text);

test("a stranger comes from the card, from a number typed anyhow, and is told what is wrong with one", async () => {
	const page = await visit(`/?lang=en&at=17/${known.lat}/${known.lon}&sel=buildings/${known.id}`);
	await page.getByRole("button", { name: "Everything about this structure" }).click();
	await page.getByRole("heading", { name: known.name }).waitFor();
	expect(page.url()).toContain(`structure=${known.uid}`);
	// What departments know is simply not there.
	await page.getByText("Departments’ records are shown to those who sign in.").waitFor();
	expect(await page.locator(".structure").textContent()).not.toContain("Fire NOC");

	await page.getByRole("button", { name: "Close", exact: true }).click();
	await search(page, known.uid.toLowerCase().replace("-", ""));
	await page.getByRole("option", { name: known.uid }).first().click();
	await page.locator(".structure code", { hasText: known.uid }).waitFor();

	await search(page, "12345-67891");
	await page.getByRole("option", { name: /Not a structure’s number/ }).click();
	await page.getByText("Characters 5 and 6 are likely swapped.").waitFor();
	await page.getByRole("button", { name: "Open 12346-57891" }).waitFor();
});

test("Enter takes what belongs to the text in the box, however fast it comes", async () => {
	const page = await visit("/?lang=en");
	await search(page, "da");
	await page.getByRole("option").first().waitFor();
	await search(page, known.uid);
	await page.getByRole("combobox").first().press("Enter");
	await page.locator(".structure code", { hasText: known.uid }).waitFor();
});

test("an officer finds it by a tax account and sees all of it, what is personal for a purpose only", async () => {
	const page = await signedIn("officer1", "/?lang=en");
	await search(page, taxAccount.toLowerCase().replaceAll("/", " "));
	await page.getByRole("option", { name: known.uid }).first().click();
	await page.getByRole("heading", { name: known.name }).waitFor();
	const certificates = page.locator(".part-certificates");
	await certificates.getByText("Fire NOC").waitFor();
	// What needs attention comes first, each state in words.
	expect(await certificates.locator(".state-chip").allTextContents()).toEqual(["Expired", "Expires soon", "Valid", "Valid"]);
	await page.getByText("Assessor and Collector").first().click();
	await page.getByText("FS/0417-3", { exact: true }).waitFor();
	expect(await page.locator(".structure").textContent()).not.toContain(owner);
	await page.getByRole("button", { name: "Show all 60" }).click();
	await page.getByText("FS/0417-59", { exact: true }).waitFor();
	await page.getByRole("button", { name: "Show all 20" }).click();
	await page.getByRole("heading", { name: "Ground floor" }).waitFor();
	await page.getByRole("button", { name: "Where from, and when" }).click();
	await page
		.getByText(/^Buildings, recorded \d/)
		.first()
		.waitFor();

	await page.getByRole("button", { name: "Show personal data" }).click();
	await page.getByRole("radio").first().check();
	await page.getByRole("button", { name: "Show", exact: true }).click();
	await page.getByText("Assessor and Collector").first().click();
	await page.getByText(owner).waitFor();
});

test("what happened is on the timeline; two days are compared; the sheet has it on one page", async () => {
	const events = `/api/structures/${known.uid}/events`;
	await city.admin("POST", events, { kind: "status", status: "vacant", date: "2026-03-02", evidence: "Ward office letter 88" });
	await city.admin("POST", events, { kind: "correct", properties: { floors: 31 }, date: "2026-06-10" });
	const page = await signedIn("officer2", `/?lang=en&structure=${known.uid}`);
	await page.locator(".timeline").getByText("Ward office letter 88").waitFor();
	await page.locator(".timeline").getByText("Status: Vacant").waitFor();
	await page.locator(".structure-head .life").getByText("Vacant").waitFor();

	await page.getByLabel("Shown as of: Earlier day").fill("2026-01-01");
	await page.locator(".structure-head .life").getByText("In use").waitFor();
	expect(page.url()).toContain("asof=2026-01-01");
	await page.getByRole("button", { name: "Compare" }).click();
	const changed = page.locator(".comparison tr.changed");
	await changed.first().waitFor();
	await until("both changes marked", async () => {
		const rows = await changed.allTextContents();
		return rows.some((r) => /Status.*In use.*Vacant/.test(r)) && rows.some((r) => /Floors.*31/.test(r));
	});
	await page.getByRole("button", { name: "End comparison" }).click();
	await page.goBack();
	await page.locator(".comparison").waitFor();

	await page.goto(`${city.url}/?lang=en&structure=${known.uid}`);
	await page.locator(".timeline").waitFor();
	await page.emulateMedia({ media: "print" });
	const sheet = page.locator(".print-sheet");
	await sheet.getByText("officer2 Trial").waitFor();
	expect(await sheet.locator(".qr").isVisible()).toBe(true);
	expect(await page.locator(".search").isVisible()).toBe(false);
	const text = String(await sheet.textContent());
	expect(text).toContain(known.uid);
	expect(text).toContain("Fire NOC");
	expect(text).not.toMatch(/Trial Person|Trialname/);
	const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
	expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
});

test("who may, records a merge with the neighbour that is tapped, and takes it back", async () => {
	const page = await signedIn("officer4", `/?lang=en&structure=${known.uid}&at=18/${neighbour.lat}/${neighbour.lon}`);
	await page.getByRole("button", { name: "Merge with a neighbour" }).click();
	// The neighbour is in the middle of the window, which the page leaves free.
	await until("the tapped neighbour", async () => {
		await page.mouse.click(640, 400);
		return (await page.getByLabel("Number of the neighbour").inputValue()) === neighbour.uid;
	});
	await page.getByText(`${neighbour.uid} becomes part of ${known.uid}.`).waitFor();
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".timeline").getByText("Merged").waitFor();

	// The neighbour's page leads here.
	await page.locator(".timeline").getByRole("button", { name: neighbour.uid }).first().click();
	await page.locator(".structure-head .life").getByText("Retired").waitFor();
	await page.locator(".lineage.strong").getByRole("button", { name: known.uid }).click();
	await page.locator(".structure-head code", { hasText: known.uid }).waitFor();

	await page.getByRole("button", { name: "Undo last step" }).click();
	await page.getByText(/“Merged” of .* is taken back/).waitFor();
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".timeline .undone").getByText("Merged").waitFor();
	const after = await city.admin<{ status: { value: string } }>("GET", `/api/structures/${neighbour.uid}`);
	expect(after.status.value).toBe("in_use");
});

test("who may, cuts it in two on the map, and takes it back", async () => {
	const page = await signedIn("officer5", `/?lang=en&structure=${known.uid}&at=19/${known.lat}/${known.lon}`);
	await page.getByRole("button", { name: "Split", exact: true }).click();
	// From north to south through the middle.
	await page.mouse.click(640, 180);
	await page.getByText("Now tap where it ends.").waitFor();
	await page.mouse.click(640, 620);
	await page.getByText(/^Two parts: /).waitFor();
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".timeline").getByText("Split", { exact: true }).waitFor();
	const area = async () => String(await page.locator(".tiles > div", { hasText: "Area on the ground" }).textContent());
	const half = await area();
	await page.getByRole("button", { name: "Undo last step" }).click();
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".timeline .undone").getByText("Split", { exact: true }).waitFor();
	await until("the whole outline", async () => (await area()) !== half);
});

test("axe finds nothing serious, and nothing is wider than a phone", async () => {
	const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
	const page = await signedIn("officer3", "/?lang=mr", phone);
	for (const path of [
		`structure=${known.uid}`,
		`structure=${known.uid}&theme=dark&asof=2026-01-01&than=now`,
		"structure=12345-67891&theme=dark",
	]) {
		await page.goto(`${city.url}/?lang=mr&${path}`);
		await page.locator("#structure-title").waitFor();
		await until("the page", async () => (await page.locator(".structure .skeleton").count()) === 0);
		await page.locator(".sheet-handle").press("ArrowUp");
		expect(await serious(page), path).toEqual([]);
		expect(await page.evaluate(() => document.querySelector(".sheet-body")?.scrollWidth ?? 0), path).toBeLessThanOrEqual(390);
	}
}, 300_000);

async function serious(page: Page): Promise<string[]> {
	await page.evaluate(axe.source);
	const violations = await page.evaluate(async () => {
		type Violation = { id: string; impact: string; nodes: { html: string }[] };
		return (await (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe.run()).violations;
	});
	return violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`);
}
