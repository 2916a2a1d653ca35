// A real browser, and pages that note what must not happen: an error on the
// console, a request to another host.

import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const paths = [process.env.CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function openBrowser(): Promise<Browser> {
	const executablePath = paths.find((p) => p !== "" && existsSync(p));
	if (!executablePath) throw new Error("no Chromium found: install it, or set CHROMIUM to its path");
	return chromium.launch({
		executablePath,
		args: [
			"--no-sandbox",
			"--disable-gpu",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-sync",
			"--no-first-run",
			"--use-angle=swiftshader",
			"--enable-unsafe-swiftshader",
		],
	});
}

/** How long a test waits for what comes soon: much longer than that on the busiest machine. */
export const patience = 90_000;

export interface Watched {
	readonly page: Page;
	readonly context: BrowserContext;
	/** What went wrong so far. */
	readonly faults: string[];
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
	const context = await browser.newContext({
		viewport: { width: 1280, height: 800 },
		// A quarter of the pixels: the map is drawn by software here.
		deviceScaleFactor: 0.5,
		locale: "en-IN",
		timezoneId: "Asia/Kolkata",
		reducedMotion: "reduce",
		geolocation: { longitude: 72.8438, latitude: 19.0186 },
		permissions: ["geolocation", "clipboard-read", "clipboard-write"],
		...options,
	});
	context.setDefaultTimeout(patience);
	const page = await context.newPage();
	const faults: string[] = [];
	const origin = new URL(url).origin;
	page.on("console", (m) => {
		// The software renderer complains about its own slowness.
		if ((m.type() === "error" || m.type() === "warning") && !/GPU stall|GL Driver Message/.test(m.text())) {
			faults.push(`console ${m.type()}: ${m.text()} ${m.location().url}`);
		}
	});
	page.on("pageerror", (e) => faults.push(`page error: ${e.message}`));
	context.on("request", (r) => {
		const u = new URL(r.url());
		if (/^https?:|^wss?:/.test(u.protocol) && u.origin !== origin) faults.push(`foreign request: ${r.url()}`);
	});
	await page.goto(url);
	return { page, context, faults };
}

/** Waits until the map has drawn its first complete view. */
export async function mapReady(page: Page): Promise<void> {
	await page.waitForSelector("html[data-map=ready]", { state: "attached", timeout: patience });
}

/** The colour of one point of the screen, as the bytes of a tiny picture. */
export async function pixel(page: Page, x: number, y: number): Promise<string> {
	const png = await page.screenshot({ clip: { x, y, width: 4, height: 4 } });
	return png.toString("base64");
}

/** Tries until it gives true, or fails after the time. */
export async function until(what: string, check: () => Promise<boolean>, ms = patience): Promise<void> {
	const end = Date.now() + ms;
	while (!(await check())) {
		if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
