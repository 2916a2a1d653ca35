import { defineConfig } from "vitest/config";

// One browser, one server, one file after the other: the machine may be small.
export default defineConfig({
	test: {
		dir: "e2e",
		fileParallelism: false,
		testTimeout: 300_000,
		hookTimeout: 300_000,
	},
});
