/** P8: the JavaScript that a browser loads before it shows the projects, compared with only the libraries that it uses. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

import { build } from 'vite';

import type { Result } from './measure.ts';

const root = resolve(import.meta.dirname, '..');

interface Chunk {
  file: string;
  imports?: string[];
  isEntry?: boolean;
}

export async function measureScripts(): Promise<Result> {
  const folder = mkdtempSync(join(root, '.cache', 'scripts-'));
  try {
    const outDir = join(folder, 'client');
    await build({
      root: join(root, 'src/client'),
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'silent',
      build: { outDir, manifest: true },
    });
    const ours = firstLoad({ outDir, sources: join(root, 'src/client') }, [
      'index.html',
      'projects/ProjectsPage.tsx',
      'ui/AppLayout.tsx',
    ]);

    writeFileSync(
      join(folder, 'bare.tsx'),
      `import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
       import { createTRPCClient, createWSClient, httpBatchLink, splitLink, wsLink } from '@trpc/client';
       import { createTRPCReact } from '@trpc/react-query';
       import { createRoot } from 'react-dom/client';
       Object.assign(window, { QueryClient, createTRPCClient, createWSClient, httpBatchLink, splitLink, wsLink, createTRPCReact });
       createRoot(document.body).render(<QueryClientProvider client={new QueryClient()}>x</QueryClientProvider>);`,
    );
    const bareDir = join(folder, 'bare');
    await build({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      build: { outDir: bareDir, manifest: true, rolldownOptions: { input: join(folder, 'bare.tsx') } },
    });
    const baseline = firstLoad({ outDir: bareDir, sources: folder }, ['bare.tsx']);
    return {
      id: 'P8',
      what: 'JavaScript of /projects, gzip, beside react, react-dom, trpc and react-query alone',
      unit: 'bytes',
      ours,
      baseline,
      budget: { atMost: 1.8 },
      details: {},
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The size of everything that these sources import statically, each file once. */
function firstLoad({ outDir, sources }: { outDir: string; sources: string }, names: string[]): number {
  const manifest = JSON.parse(readFileSync(join(outDir, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>;
  const files = new Set<string>();
  const add = (name: string): void => {
    const chunk = manifest[name];
    // A source without a chunk of its own is in the chunk of another one.
    if (!chunk || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const imported of chunk.imports ?? []) add(imported);
  };
  for (const name of names) {
    if (!existsSync(join(sources, name))) throw new Error(`There is no ${name}. Use the current name of the page.`);
    add(name);
  }
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(outDir, file)), { level: 9 }).length, 0);
}
