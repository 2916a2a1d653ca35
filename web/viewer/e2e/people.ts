// People who sign in, each in a browser window of their own.

import type { Browser, BrowserContextOptions } from "playwright-core";
import { mapReady, openPage, type Watched } from "./browser";
import type { RunningCity } from "./city";

export interface Account {
	readonly name: string;
	readonly title: string;
	readonly roles: readonly string[];
	readonly department: string;
}

/** Makes an account, signs it in by its link, and opens a page of the city as it. */
export async function signIn(
	browser: Browser,
	city: RunningCity,
	account: Account,
	path: string,
	options: BrowserContextOptions = {},
): Promise<Watched> {
	const { id } = await city.admin<{ id: string }>("POST", "/api/access/accounts", account);
	const { url } = await city.admin<{ url: string }>("POST", `/api/access/accounts/${id}/link`);
	return followLink(browser, url, city.url + path, options);
}

/** Signs in by a one-time link and opens a page, until its map is drawn. */
export async function followLink(
	browser: Browser,
	link: string,
	url: string,
	options: BrowserContextOptions = {},
): Promise<Watched> {
	const w = await openPage(browser, link, options);
	await w.page.getByRole("button").first().click();
	await w.page.waitForURL((u) => u.pathname === "/");
	await w.page.goto(url);
	await mapReady(w.page);
	return w;
}
