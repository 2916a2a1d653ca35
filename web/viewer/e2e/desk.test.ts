// The departments' desks in a real browser on a real city: records in doubt are
// decided and taken back; what happened to a structure is recorded by its forms.

import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBrowser, type openPage, until, type Watched } from "./browser";
import { type RunningCity, startCity } from "./city";
import { signIn } from "./people";
import { buildings, type Known } from "./records";

let city: RunningCity;
let browser: Browser;
let known: Known;
let open: Watched[] = [];

interface Line {
	readonly id: string;
	readonly record: { readonly title: string };
	readonly state: string;
}

beforeAll(async () => {
	city = await startCity();
	browser = await openBrowser();
	[known] = await buildings(city);
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

async function signedIn(name: string, path: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
	const account = { name, title: `${name} Trial`, roles: ["officer", "administrator"], department: "Assessor and Collector" };
	const w = await signIn(browser, city, account, path, options);
	open.push(w);
	return w.page;
}

const waiting = async () =>
	(await city.admin<{ reviews: Line[] }>("GET", "/api/reviews?collection=property_tax&limit=100")).reviews;
const stateOf = async (id: string) => (await city.admin<Line>("GET", `/api/reviews/${encodeURIComponent(id)}`)).state;

test("records in doubt are joined, passed over, refused and taken back, by hand and by key", async () => {
	const [first, second, third] = await waiting();
	if (!first || !second || !third) throw new Error("the demo city has no three tax records in doubt");
	const page = await signedIn("clerk1", "/?lang=en&desk=reviews&where=collection:property_tax");
	await page.locator(".desk-line", { hasText: first.record.title }).first().waitFor();
	await page.getByRole("button", { name: "Start with the first" }).click();
	await until("the first review", async () => page.url().includes(encodeURIComponent(first.id)));
	// Every candidate has its number, and what agrees stands beside the record.
	const cards = page.locator(".candidate");
	await cards.first().waitFor();
	await page.locator(".verdict-same, .verdict-like, .verdict-differs").first().waitFor();

	await page.locator(".candidate button[aria-pressed]").first().click();
	await page.getByRole("button", { name: "Join with 1" }).click();
	await until("the next review", async () => page.url().includes(encodeURIComponent(second.id)));
	expect(await stateOf(first.id)).toBe("joined");

	await page.locator(".candidate").first().waitFor();
	await page.keyboard.press("n");
	await until("the third review", async () => page.url().includes(encodeURIComponent(third.id)));
	expect(await stateOf(second.id)).toBe("none");

	// Z takes the last decision back, and shows it.
	await page.locator(".desk-record").waitFor();
	await page.keyboard.press("z");
	await until("the second again", async () => page.url().includes(encodeURIComponent(second.id)));
	// What was of no structure waits again.
	await until("undone", async () => ["open", "undone"].includes(await stateOf(second.id)));
	await page.getByText("Who decided, and when").click();
	await page.getByText(/None of these by clerk1 Trial/).waitFor();
	await page.locator(".candidate").first().waitFor();
	await page.keyboard.press("s");
	await until("skipped", async () => !page.url().includes(encodeURIComponent(second.id)));

	await page.goto(`${city.url}/?lang=en&desk=reviews/${encodeURIComponent(first.id)}`);
	await page
		.getByText(/Joined by clerk1 Trial/)
		.first()
		.waitFor();
	await page.getByRole("button", { name: "Undo", exact: true }).click();
	await page.getByRole("button", { name: "None of these" }).waitFor();
	expect(["open", "undone"]).toContain(await stateOf(first.id));
});

test("who comes second is told who was first", async () => {
	const [line] = await waiting();
	if (!line) throw new Error("nothing waits");
	const page = await signedIn("clerk2", `/?lang=en&desk=reviews/${encodeURIComponent(line.id)}`);
	await page.locator(".candidate button[aria-pressed]").first().click();
	await city.admin("POST", `/api/reviews/${encodeURIComponent(line.id)}`, { decision: "none" });
	await page.getByRole("button", { name: "Join with 1" }).click();
	await page.getByText(/Decided by .+ meanwhile/).waitFor();
	open.at(-1)?.faults.splice(0);
	await city.admin("POST", `/api/reviews/${encodeURIComponent(line.id)}`, { decision: "undo" });
});

test("a structure is corrected, gets units and another number, and what is refused is told in Marathi", async () => {
	const page = await signedIn("clerk3", `/?lang=en&structure=${known.uid}`);
	await page.getByRole("button", { name: "Correct", exact: true }).click();
	await page.getByLabel("Floors", { exact: false }).first().fill("17");
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".timeline").getByText("Corrected").waitFor();
	await until("17 floors", async () =>
		/17/.test(String(await page.locator(".tiles > div", { hasText: "Floors" }).textContent())),
	);

	await page.getByRole("button", { name: "Record units" }).click();
	await page.getByLabel("From floor 1").fill("1");
	await page.getByLabel("To floor 1").fill("3");
	await page.getByLabel("Units each 1").fill("2");
	await page.getByText("6 units are recorded.").waitFor();
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".part-units").getByText("on 3 floors").waitFor();

	await page.getByRole("button", { name: "Add another number" }).click();
	await page.getByLabel("Kind of number").selectOption("cts");
	await page.getByRole("textbox", { name: "Number", exact: true }).fill("417/22-B");
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".part-aliases").getByText("417/22-B").waitFor();

	await page.goto(`${city.url}/?lang=mr&structure=${known.uid}`);
	await page.getByRole("button", { name: "स्थिती बदला" }).click();
	await page.getByLabel("घडले तो दिवस").fill("2001-01-01");
	await page.getByRole("button", { name: "नोंदवा", exact: true }).click();
	await page.getByText(/हा दिवस फार आधीचा आहे/).waitFor();
	open.at(-1)?.faults.splice(0);
});

test("a structure that no survey has seen is registered with the outline that is drawn", async () => {
	const page = await signedIn("clerk4", `/?lang=en&structure=&at=19/${known.lat}/${known.lon}`);
	await page.getByRole("button", { name: "Register a new structure" }).click();
	await page.getByRole("button", { name: "Draw its outline on the map" }).click();
	await page.getByText("Tap its corners on the map, one after the other.").waitFor();
	for (const [x, y] of [
		[460, 300],
		[560, 300],
		[560, 400],
	] as const)
		await page.mouse.click(x, y);
	await page.getByText(/^Outline of /).waitFor();
	await page.getByRole("button", { name: "Record", exact: true }).click();
	await page.locator(".structure-head .life").getByText("Proposed").waitFor();
	await page.locator(".drawing").first().waitFor();
});

test("axe finds nothing serious on the desks, and nothing is wider than a phone", async () => {
	const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
	const page = await signedIn("clerk5", "/?lang=mr", phone);
	const [line] = await waiting();
	for (const path of ["desk=reviews", `desk=reviews/${encodeURIComponent(line?.id ?? "")}&theme=dark`]) {
		await page.goto(`${city.url}/?lang=mr&${path}`);
		await page.locator("#structure-title").waitFor();
		await until("the desk", async () => (await page.locator(".desk .skeleton").count()) === 0);
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
