/**
 * Builds the client as static files in `dist/client`. In the mode `sdk`: the SDK and the command line `opm` as a package in
 * `dist/sdk`, to which `npm run build` adds the types. In the mode `programs`: the programs of the image in `dist/programs`.
 */

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type UserConfig } from 'vite';

import packageJson from './package.json' with { type: 'json' };

const server = `http://localhost:${process.env['PORT'] ?? '3080'}`;
/** The server accepts requests from its own pages only, so the proxy sends this origin. */
const origin = process.env['PUBLIC_URL'] ?? server;

/** What a browser may load, compressed, before it shows the projects. */
const firstLoadLimitBytes = 160_000;
const firstPage = ['index.html', 'ui/AppLayout.tsx', 'projects/ProjectsPage.tsx'];

const firstLoadLimit: Plugin = {
  name: 'first-load-limit',
  writeBundle(_options, files) {
    const sizes = new Map<string, number>();
    const add = (fileName: string): void => {
      const file = files[fileName];
      if (file?.type !== 'chunk' || sizes.has(fileName)) return;
      sizes.set(fileName, gzipSync(file.code, { level: 9 }).length);
      for (const imported of file.imports) add(imported);
    };
    for (const path of firstPage) {
      const part = Object.values(files).find(
        (file) => file.type === 'chunk' && file.moduleIds.some((id) => id.endsWith(path)),
      );
      if (part === undefined) this.error(`No chunk contains ${path}. Use the current name of the page.`);
      add(part.fileName);
    }
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (bytes <= firstLoadLimitBytes) return;
    const list = [...sizes].toSorted(([, one], [, other]) => other - one).map((entry) => entry.join(' '));
    this.error(
      `The first page loads ${bytes} bytes of JavaScript, and may load ${firstLoadLimitBytes}. Load what it does not show on demand.\n${list.join('\n')}`,
    );
  },
};

type ModuleInfo = { importedIds: readonly string[] } | null;
let reached: Set<string> | null = null;

/** The modules that the first page imports, without what it loads on demand. */
function reachedFromFirstPage(getModuleInfo: (id: string) => ModuleInfo): ReadonlySet<string> {
  if (reached) return reached;
  reached = new Set();
  const left = firstPage.map((path) => join(import.meta.dirname, 'src/client', path));
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    const imported = getModuleInfo(id)?.importedIds ?? [];
    // The index of a package imports all of it, also what nobody uses.
    left.push(...imported.filter((each) => !each.includes('node_modules')));
  }
  return reached;
}

const client: UserConfig = {
  root: 'src/client',
  // CodeMirror parses a long text for 100 ms at a time where this exists, and for at most 45 ms where it does not.
  define: { 'navigator.scheduling': 'undefined' },
  plugins: [react(), firstLoadLimit],
  build: {
    outDir: '../../dist/client',
    emptyOutDir: true,
    // Calls of `z` have no side effects, so a page drops the schemas that it does not use. Only the dialogs that validate
    // load the validation library.
    rolldownOptions: {
      treeshake: { manualPureFunctions: ['z'] },
      output: {
        // The code of the first page is in a few files instead of fifty small ones, which would compress worse.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              // Without what only the Files tab uses: virtual lists, and several queries at once.
              test: /node_modules\/(?:(?:react|react-dom|scheduler|react-router|@trpc|clsx)\/|@tanstack\/(?!.*(?:virtual|[qQ]ueries)))/,
            },
            {
              name: 'ui',
              test: /node_modules\/@mantine\/core\/esm\/(?:core|components\/(?:ActionIcon|Avatar|Button|CloseButton|Group|Input|InputBase|Loader|NativeSelect|Skeleton|Text|TextInput|Title|Transition|UnstyledButton|VisuallyHidden))\//,
            },
            {
              name: (id, context) =>
                reachedFromFirstPage((each) => context.getModuleInfo(each)).has(id) ? 'first-page' : null,
            },
          ],
        },
      },
    },
    target: ['chrome120', 'edge120', 'firefox121', 'safari17.2'],
  },
  server: {
    // For `npm run dev`. `npm start` serves the built files itself.
    proxy: {
      '/trpc': { target: server, ws: true, headers: { origin } },
      // Not all of /auth: the client's sources have a folder with that name.
      '^/auth/(?:login|callback|logout)': { target: server, headers: { origin } },
    },
  },
};

/** The dependencies of the SDK, at run time and for the types of the procedures. Only `opm` uses `ws`. */
const { '@trpc/client': trpcClient, '@trpc/server': trpcServer, ws, zod } = packageJson.dependencies;
const { name, version, description, license, engines } = packageJson;
const sdkPackage = {
  name,
  version,
  description,
  license,
  engines,
  type: 'module',
  sideEffects: false,
  bin: { opm: './opm.js' },
  exports: { './sdk': { types: './types/src/shared/sdk/client.d.ts', default: './client.js' } },
  dependencies: { '@trpc/client': trpcClient, '@trpc/server': trpcServer, ws, zod },
};

const sdk: UserConfig = {
  publicDir: false,
  plugins: [
    {
      name: 'package-json',
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'package.json', source: `${JSON.stringify(sdkPackage, null, 2)}\n` });
      },
    },
  ],
  build: {
    outDir: 'dist/sdk',
    target: 'es2023',
    minify: false,
    lib: {
      entry: { client: 'src/shared/sdk/client.ts', opm: 'src/cli/opm.ts' },
      formats: ['es'],
      fileName: (_format, entry) => `${entry}.js`,
    },
    rolldownOptions: { external: [/^@trpc\//, /^zod/, /^ws$/, /^node:/] },
  },
};

/** Packages that others use if they find them. We do not install them, or do without their native code. */
const optionalPackages =
  /^(?:better-sqlite3|sqlite3|mysql2?|mariadb|tedious|oracledb|pg-native|pg-query-stream|bufferutil|utf-8-validate|supports-color|msgpackr-extract)(?:\/|$)/;

/** Node reads the source map of each file that it loads. With those of packages, a start would take half as long again. */
const sourceMapsOfOwnCodeOnly: Plugin = {
  name: 'source-maps-of-own-code-only',
  generateBundle(_options, files) {
    for (const [fileName, file] of Object.entries(files)) {
      if (file.type !== 'chunk') continue;
      if (file.moduleIds.some((id) => id.endsWith('.ts') && !id.includes('/node_modules/'))) {
        file.code += `//# sourceMappingURL=${fileName}.map\n`;
      } else {
        delete files[`${fileName}.map`];
      }
    }
  },
};

const programs: UserConfig = {
  publicDir: false,
  plugins: [sourceMapsOfOwnCodeOnly],
  // The same files of packages that Node would load.
  ssr: { noExternal: true, resolve: { conditions: ['node', 'module-sync'] } },
  resolve: { mainFields: ['main'] },
  build: {
    ssr: true,
    // Programs find `dist/client` from here as from their source: two folders below the root.
    outDir: 'dist/programs',
    target: 'node24',
    minify: false, // names in stacks stay readable, and it would not start faster
    sourcemap: 'hidden',
    reportCompressedSize: false,
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      input: {
        server: 'src/server/main.ts',
        worker: 'src/worker/main.ts',
        gateway: 'src/gateway/main.ts',
        migrate: 'src/shared/node/db/migrate-cli.ts',
      },
      external: optionalPackages,
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name].js',
        comments: false,
        sourcemapExcludeSources: true,
        codeSplitting: {
          groups: [
            // Loaded only if a collector is configured.
            { name: 'tracing', test: /\/node_modules\/@opentelemetry\/(?!api\/)/, priority: 1 },
            // Each program loads only the packages that it uses.
            { name: 'packages', test: /\/node_modules\//, entriesAware: true },
          ],
        },
      },
    },
  },
};

export default defineConfig(({ mode }) => ({ sdk, programs })[mode] ?? client);
