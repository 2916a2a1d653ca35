import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { changesOf, draftOf, editable } from "../src/access/edit";
import { placeOf, stepsOf } from "../src/access/json-place";
import { together } from "../src/access/readings";
import { askForCode, getAccounts, getAudit, login, signInLink } from "../src/api/access";
import { ApiError } from "../src/api/client";
import { type Me, meFrom } from "../src/api/me";

/** A server of a few answers: "METHOD /path" to status and body. */
function serve(answers: Readonly<Record<string, readonly [status: number, body?: unknown, headers?: Record<string, string>]>>) {
	const asked: { key: string; init: RequestInit | undefined }[] = [];
	vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
		const key = `${init?.method ?? "GET"} ${path}`;
		asked.push({ key, init });
		const [status, body, headers] = answers[key] ?? [404, { type: "urn:nagar:problem:not-found" }];
		if (body === undefined) return new Response(null, { status, headers: headers ?? {} });
		return Response.json(body, { status, headers: headers ?? {} });
	});
	return asked;
}

afterEach(() => {
	vi.unstubAllGlobals();
});

describe("the place that a refusal names", () => {
	const text = JSON.stringify(
		{
			version: 2,
			roles: { "ward officer": { grants: [{ class: 'a\\"}' }, { class: "secret" }] }, officer: { rights: ["audit"] } },
		},
		null,
		2,
	);
	const at = (path: string) => {
		const p = placeOf(text, path);
		return p && text.slice(p.start, p.end);
	};

	test("is found in the text", () => {
		expect(at("version")).toBe("2");
		expect(at("roles.officer.rights[0]")).toBe('"audit"');
		expect(at('roles["ward officer"].grants[1].class')).toBe('"secret"');
		expect(at("roles.officer.rights")).toBe('[\n        "audit"\n      ]');
	});

	test("that the text does not have gives what is around it", () => {
		expect(at("roles.officer.rights[4].x")).toContain('"audit"');
		expect(at("roles.nobody")).toContain('"ward officer"');
	});

	test("in a text that breaks off gives nothing", () => {
		expect(placeOf('{"a": {"b": "c', "a.b")).toBeNull();
		expect(placeOf("", "a")).toBeNull();
	});

	test("is split into names and positions", () => {
		expect(stepsOf("roles.officer.grants[12].class")).toEqual(["roles", "officer", "grants", 12, "class"]);
	});
});

describe("what an editor sends", () => {
	const fields = [
		{ name: "uid", type: "text" },
		{ name: "name", type: "text" },
		{ name: "floors", type: "integer" },
		{ name: "height_m", type: "real" },
		{ name: "listed", type: "boolean" },
	];

	test("is only what was changed, by its type; an emptied field is no value", () => {
		const before = draftOf(fields, { uid: "U", name: "Old", floors: 3, height_m: 9.5, listed: true });
		const after = { ...before, floors: "4", height_m: "", listed: "false" };
		expect(changesOf(fields, before, after)).toEqual({ floors: 4, height_m: null, listed: false });
	});

	test("leaves out what the registry makes", () => {
		expect(editable(fields).map((f) => f.name)).not.toContain("uid");
	});
});

describe("sign-in", () => {
	test("tells the need for a code from a wrong password", async () => {
		serve({ "POST /auth/login": [401, { type: "urn:nagar:problem:second-factor", detail: "code" }] });
		const error = await login("a", "b", "").catch((e: unknown) => e);
		expect(error).toBeInstanceOf(ApiError);
		expect((error as ApiError).kind).toBe("forbidden");
		expect((error as ApiError).problem.type).toBe("second-factor");
	});

	test("sends a code only when there is one, and fills what the answer leaves out", async () => {
		const asked = serve({ "POST /auth/login": [200, { kind: "account", name: "asha" }] });
		const me = await login("asha", "pw", "");
		expect(JSON.parse(String(asked[0]?.init?.body))).toEqual({ name: "asha", password: "pw" });
		expect(me).toMatchObject({ kind: "account", name: "asha", roles: [], rights: [], may_write: [], purpose: "" });
	});

	test("an answer without a body is one", async () => {
		serve({ "POST /auth/code": [202] });
		await askForCode("x");
	});

	test("says how long to wait", async () => {
		serve({ "POST /auth/code": [429, {}, { "Retry-After": "30" }] });
		const error = (await askForCode("x").catch((e: unknown) => e)) as ApiError;
		expect(error.kind).toBe("tooMany");
		expect(error.problem.retryAfter).toBe(30);
	});
});

describe("administration", () => {
	test("an account may leave out what it does not have", async () => {
		serve({ "GET /api/access/accounts": [200, { accounts: [{ id: "1", name: "asha" }] }] });
		expect(await getAccounts()).toEqual([
			{
				id: "1",
				name: "asha",
				title: "",
				roles: [],
				department: "",
				wards: [],
				disabled: false,
				has_password: false,
				second_factor: false,
			},
		]);
	});

	test("a sign-in link is a whole address", async () => {
		serve({ "POST /api/access/accounts/a%2F1/link": [201, { url: "https://city.example/auth/link/abc" }] });
		expect(await signInLink("a/1")).toBe("https://city.example/auth/link/abc");
	});

	test("the log is asked for by filter and continued by cursor", async () => {
		serve({ "GET /api/audit?who=asha&cursor=c2": [200, { entries: [{ seq: 1 }], next: "c3" }] });
		expect(await getAudit({ who: "asha", from: "" }, "c2")).toEqual({ items: [{ seq: 1 }], next: "c3" });
	});
});

describe("a breach report", () => {
	test("has one line for a person's looks of one kind, wherever they were signed in", () => {
		const look = (account: string, first: string, last: string, purpose = "") => ({
			who: { kind: "account", account, purpose },
			action: "read",
			collection: "plots",
			fields: ["holder"],
			first,
			last,
			count: 2,
		});
		const lines = [
			...together([
				look("a", "2026-11-23T10:00:00Z", "2026-11-23T10:05:00Z"),
				look("b", "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"),
				look("a", "2026-11-23T09:00:00Z", "2026-11-23T09:30:00Z"),
				look("a", "2026-11-23T09:00:00Z", "2026-11-23T09:30:00Z", "law"),
			]).values(),
		];
		expect(lines.map((l) => [l.who.account, l.who.purpose, l.first, l.last, l.count])).toEqual([
			["a", "", "2026-11-23T09:00:00Z", "2026-11-23T10:05:00Z", 4],
			["b", "", "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z", 2],
			["a", "law", "2026-11-23T09:00:00Z", "2026-11-23T09:30:00Z", 2],
		]);
	});
});

describe("another reader", () => {
	const anonymous = meFrom({});
	const officer = meFrom({ kind: "account", name: "asha", roles: ["officer"], expires: "2026-11-23T20:00:00Z" });
	let becomeReader: (m: Me) => void;
	let checkReader: () => Promise<void>;
	let session: { peek(): number };

	beforeAll(async () => {
		vi.stubGlobal("location", { search: "", pathname: "/" });
		vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
		vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
		({ becomeReader, checkReader } = await import("../src/state/me"));
		({ session } = await import("../src/state/store"));
	});

	test("makes everything be asked for again; the same one, with a later end, does not", async () => {
		const asked = serve({ "GET /api/me": [200, anonymous], "GET /api/collections": [200, []] });
		await checkReader();
		// What was fetched at the start was fetched for this reader already.
		expect(session.peek()).toBe(0);
		becomeReader(officer);
		expect(session.peek()).toBe(1);
		expect(asked.map((a) => a.key)).toContain("GET /api/collections");
		becomeReader({ ...officer, expires: "2026-11-23T21:00:00Z" });
		expect(session.peek()).toBe(1);
		becomeReader({ ...officer, purpose: "tax" });
		expect(session.peek()).toBe(2);
		await checkReader();
		expect(session.peek()).toBe(3);
	});

	test("is not made up when the server cannot be reached", async () => {
		serve({});
		const before = session.peek();
		await checkReader();
		expect(session.peek()).toBe(before);
	});
});
