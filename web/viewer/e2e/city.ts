// A fresh demo city and a real server for it, started and stopped by the test.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

export interface RunningCity {
	readonly url: string;
	/** Runs bin/importer on this city's store and returns its summary line. */
	importer(...args: string[]): Promise<Record<string, unknown>>;
	/** Asks as the administrator; fails unless it goes well. */
	admin<T>(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
	/** The code that was last sent to a contact. */
	codeFor(contact: string): Promise<string>;
	stop(): Promise<void>;
}

function binary(name: string): string {
	const path = join(root, "bin", name);
	if (!existsSync(path)) throw new Error(`${path} is not built: run "make build" first`);
	return path;
}

export async function startCity(buildings = 5000): Promise<RunningCity> {
	const importerBin = binary("importer");
	const twin = binary("twin");
	const folder = await mkdtemp(join(tmpdir(), "nagar-e2e-"));
	const store = join(folder, "city.gpkg");
	const importer = async (...args: string[]) => {
		const { stdout } = await run(importerBin, [...args, "--store", store], { maxBuffer: 1 << 26 });
		const last = stdout.trim().split("\n").at(-1) ?? "{}";
		return JSON.parse(last) as Record<string, unknown>;
	};
	await importer("demo", "--buildings", String(buildings));
	const codes = join(folder, "codes.jsonl");
	const flags = ["--store", store, "--addr", "127.0.0.1:0", "--mqtt", "off", "--code-sender", `file:${codes}`];
	const server = spawn(twin, flags, { stdio: ["ignore", "pipe", "pipe"] });
	const url = await address(server);
	await ready(url);
	const codeFor = async (contact: string) => {
		const lines = (await readFile(codes, "utf8").catch(() => "")).trim().split("\n");
		const sent = lines.filter(Boolean).map((l) => JSON.parse(l) as { contact: string; code: string });
		return sent.findLast((m) => m.contact === contact)?.code ?? "";
	};
	const admin = async <T>(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
		const token = (await readFile(join(`${store}.d`, "admin-token"), "utf8")).trim();
		const r = await fetch(url + path, {
			method,
			headers: {
				Authorization: `Bearer ${token}`,
				...(body === undefined ? {} : { "Content-Type": "application/json" }),
				...headers,
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
		return (r.status === 204 ? null : await r.json()) as T;
	};
	return {
		url,
		importer,
		admin,
		codeFor,
		stop: async () => {
			const ended = new Promise((resolve) => server.once("exit", resolve));
			server.kill("SIGTERM");
			await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10_000))]);
			if (server.exitCode === null) server.kill("SIGKILL");
			await rm(folder, { recursive: true, force: true });
		},
	};
}

function address(server: ChildProcess): Promise<string> {
	return new Promise((resolve, reject) => {
		let text = "";
		const look = (chunk: Buffer) => {
			text += chunk.toString();
			const m = /listening on (http:\/\/[\w.:[\]]+)/.exec(text);
			if (m?.[1]) resolve(m[1]);
		};
		server.stdout?.on("data", look);
		server.stderr?.on("data", look);
		server.once("error", reject);
		server.once("exit", (code) => reject(new Error(`twin ended with ${code}:\n${text}`)));
		setTimeout(() => reject(new Error(`twin did not say where it listens:\n${text}`)), 60_000).unref();
	});
}

async function ready(url: string): Promise<void> {
	const end = Date.now() + 120_000;
	for (;;) {
		const ok = await fetch(`${url}/readyz`).then(
			(r) => r.ok,
			() => false,
		);
		if (ok) return;
		if (Date.now() > end) throw new Error("twin was not ready within two minutes");
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
}
