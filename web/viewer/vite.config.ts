import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { buildStyle, designedCollections } from "./src/style/index.ts";
import type { ThemeName } from "./src/style/palette.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The map library's worker as an entry of the same build, so that worker and
 * page share one chunk instead of holding the code twice. Gives its address as
 * the module `virtual:map-worker-url`.
 */
function mapWorker(): Plugin {
	const id = "virtual:map-worker-url";
	let build = false;
	return {
		name: "nagar-map-worker",
		configResolved(c) {
			build = c.command === "build";
		},
		resolveId: (source) => (source === id ? `\0${id}` : null),
		load(module) {
			if (module !== `\0${id}`) return null;
			if (!build) return 'export default "/src/map/worker.ts";';
			const ref = this.emitFile({ type: "chunk", id: here("./src/map/worker.ts"), name: "map-worker" });
			return `export default import.meta.ROLLUP_FILE_URL_${ref};`;
		},
	};
}

/** The decoder of MapLibre's own tile format, which our server does not send. */
function withoutMlt(): Plugin {
	return {
		name: "nagar-without-mlt",
		enforce: "pre",
		resolveId: (source) => (source.startsWith("@maplibre/mlt") ? here("./src/map/no-mlt.ts") : null),
	};
}

/** Lets the page start the map's worker before the map's code has come. */
function ownWorkerFactory(): Plugin {
	return {
		name: "nagar-worker-factory",
		enforce: "pre",
		resolveId: (source, importer) =>
			source === "./web_worker.ts" && importer?.endsWith("/util/worker_pool.ts") ? here("./src/map/worker-factory.ts") : null,
	};
}

/** Fetches the map's code beside the interface's instead of after it. */
function preloadMap(): Plugin {
	return {
		name: "nagar-preload-map",
		enforce: "post",
		transformIndexHtml: {
			order: "post",
			handler(_html, { bundle }) {
				const files = Object.values(bundle ?? {});
				const entry = files.find((f) => f.type === "chunk" && f.facadeModuleId?.endsWith("/src/map/index.ts"));
				if (entry?.type !== "chunk") return [];
				const known = files.find((f) => f.type === "chunk" && f.isEntry && f.name === "index");
				const already = new Set(known?.type === "chunk" ? [known.fileName, ...known.imports] : []);
				const worker = files.find((f) => f.type === "chunk" && f.name === "map-worker");
				return [entry.fileName, ...entry.imports, ...(worker ? [worker.fileName] : [])]
					.filter((f) => !already.has(f))
					.map((f) => ({
						tag: "link",
						attrs: { rel: "modulepreload", crossorigin: true, href: `/${f}` },
						injectTo: "head" as const,
					}));
			},
		},
	};
}

/** Writes the styles that the server publishes under /styles, `{base}` to be filled in. */
function publishedStyles(): Plugin {
	return {
		name: "nagar-styles",
		generateBundle() {
			for (const theme of ["light", "dark"] as ThemeName[]) {
				const style = buildStyle({
					theme,
					language: "en",
					base: "{base}",
					collections: new Set(designedCollections),
					threeD: false,
					maxzoom: 16,
					grouped: false,
					hidden: new Set(["prabhags"]),
					opacity: {},
					generated: [],
					icons: false,
					areaNames: false,
					labels: true,
				});
				this.emitFile({ type: "asset", fileName: `styles/${theme}.json`, source: `${JSON.stringify(style, null, 1)}\n` });
			}
		},
	};
}

/** Lays name.br beside what compresses, so that no server has to do it while somebody waits. */
function compressed(): Plugin {
	return {
		name: "nagar-compressed",
		apply: "build",
		enforce: "post",
		// From the written files: other plugins still change chunks while the bundle is made.
		writeBundle(options, bundle) {
			for (const name of Object.keys(bundle)) {
				if (!/\.(js|css)$/.test(name)) continue;
				const path = join(options.dir ?? here("./dist"), name);
				writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path)));
			}
		},
	};
}

/** Empties dist but for the file that keeps the folder in a fresh clone. */
function cleanDist(): Plugin {
	return {
		name: "nagar-clean-dist",
		apply: "build",
		buildStart() {
			for (const name of ["assets", "styles", "index.html", "favicon.svg"])
				rmSync(here(`./dist/${name}`), { recursive: true, force: true });
		},
		closeBundle() {
			writeFileSync(here("./dist/.gitkeep"), "");
		},
	};
}

export default defineConfig({
	plugins: [withoutMlt(), ownWorkerFactory(), mapWorker(), publishedStyles(), preloadMap(), compressed(), cleanDist()],
	resolve: { alias: { "maplibre-src": here("./node_modules/maplibre-gl/src") } },
	// The map library's sources declare fields that their base class fills in, and
	// are meant to be compiled so that a bare declaration emits nothing.
	oxc: {
		assumptions: { setPublicClassFields: true },
		typescript: { removeClassFieldsWithoutInitializer: true },
	},
	build: {
		target: "es2022",
		emptyOutDir: false,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 700,
		rolldownOptions: { checks: { pluginTimings: false } },
		sourcemap: process.env.SOURCEMAP === "1",
	},
});
