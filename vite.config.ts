/**
 * Builds the parts that Node.js cannot run from source: the client as static files in `dist/client`, and, in the mode `sdk`,
 * the SDK and the command line `opm` as a package in `dist/sdk`. `npm run build` adds the types of the SDK.
 */

import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';

import packageJson from './package.json' with { type: 'json' };

const server = `http://localhost:${process.env['PORT'] ?? '3080'}`;
/** The server accepts requests from its own pages only, so the proxy sends this origin. */
const origin = process.env['PUBLIC_URL'] ?? server;

const client: UserConfig = {
  root: 'src/client',
  plugins: [react()],
  build: {
    outDir: '../../dist/client',
    emptyOutDir: true,
    // Calls of `z` have no side effects, so a page drops the schemas that it does not use. Only the dialogs that validate
    // load the validation library.
    rolldownOptions: {
      treeshake: { manualPureFunctions: ['z'] },
      output: {
        // The code that every page needs is in two files instead of forty small ones, which would compress worse.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              // Without what only the Files tab uses: virtual lists, and several queries at once.
              test: /node_modules\/(?:(?:react|react-dom|scheduler|react-router|@trpc|clsx)\/|@tanstack\/(?!.*(?:virtual|[qQ]ueries)))/,
            },
            {
              name: 'ui',
              test: /node_modules\/@mantine\/core\/esm\/(?:core|components\/(?:ActionIcon|Button|Group|Loader|Skeleton|Text|Title|Transition|UnstyledButton|VisuallyHidden))\//,
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

/** The dependencies of the SDK, at run time and for the types of the procedures. */
const { '@trpc/client': trpcClient, '@trpc/server': trpcServer, zod } = packageJson.dependencies;
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
  dependencies: { '@trpc/client': trpcClient, '@trpc/server': trpcServer, zod },
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
    rolldownOptions: { external: [/^@trpc\//, /^zod/, /^node:/] },
  },
};

export default defineConfig(({ mode }) => (mode === 'sdk' ? sdk : client));
