/**
 * Builds what does not run as it is written: `src/client` becomes static files in `dist/client`, and in the mode `sdk` the SDK
 * becomes a package in `dist/sdk`, to which `npm run build` adds the types.
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
    // Schemas are built by calls of `z` without side effects: those that a page does not use need not be in it. That
    // leaves the validation library itself to the dialogs that validate.
    rolldownOptions: {
      treeshake: { manualPureFunctions: ['z'] },
      output: {
        // What every page needs comes as two files instead of forty small ones, which also compress worse.
        codeSplitting: {
          groups: [
            { name: 'base', test: /node_modules\/(?:react|react-dom|scheduler|react-router|@tanstack|@trpc|clsx)\// },
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

/** What the SDK needs at run time, and for the types of the procedures. */
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
    lib: { entry: 'src/shared/sdk/client.ts', formats: ['es'], fileName: () => 'client.js' },
    rolldownOptions: { external: [/^@trpc\//, /^zod/] },
  },
};

export default defineConfig(({ mode }) => (mode === 'sdk' ? sdk : client));
