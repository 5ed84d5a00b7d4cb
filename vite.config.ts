/** Builds the client, the only part of the product that is built: `src/client` becomes static files in `dist/client`. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = `http://localhost:${process.env['PORT'] ?? '3080'}`;

export default defineConfig({
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
    // `npm start` serves the built files itself; this is for working on the client beside a running server, which takes
    // requests from its own pages alone.
    proxy: {
      '/trpc': { target: server, ws: true, headers: { origin: server } },
      // Not all of /auth: our own sources have a folder of that name.
      '^/auth/(?:login|callback|logout)': { target: server, headers: { origin: server } },
    },
  },
});
