/**
 * The browser's entry: builds the application, loads the code of the first page and renders it.
 *
 * The server's state lives in the query cache only. How a new project reaches the screen:
 * 1. `projects/CreateProjectDialog.tsx` calls `projects.create`. `projects/PendingCard.tsx` stands in for the card.
 * 2. The answer is written to the query cache by `api/project-cache.ts`. The list and the page read from there.
 * 3. Each further change arrives over the one subscription of the tab, `api/live-feed.ts`, and is written by the same cache.
 * 4. `projects/StatusBadge.tsx` renders the status. It is marked "last known" while the connection is lost.
 *
 * The client never polls, and it never shows an old state as the present one.
 */

import './ui/styles.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { getQueryKey } from '@trpc/react-query';
import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';

import { trpc } from './api/trpc.ts';
import { AppContext } from './app-context.ts';
import { createApp } from './app.ts';
import { AppRoutes, preloadPage } from './AppRoutes.tsx';
import { firstInteraction, preloadParts } from './preload.ts';
import { CrashBoundary } from './ui/CrashBoundary.tsx';
import { lazyPart } from './ui/lazy-part.ts';
import { cssVariablesResolver, theme } from './ui/theme.ts';

/** The page is rendered after this time at the latest: a window that stays empty for longer looks broken. */
const firstRenderTimeoutMs = 400;

const interacted = firstInteraction(window);
const Toasts = lazyPart(async () => {
  await interacted;
  return (await import('./ui/Toasts.tsx')).Toasts;
});

const { queryClient, client, services } = createApp({ window });

// The signed-in user and the code of the page are loaded at the same time.
const { pathname } = window.location;
if (pathname !== '/sign-in') {
  const queryKey = getQueryKey(trpc.auth.me, undefined, 'query');
  void queryClient.prefetchQuery({ queryKey, queryFn: () => client.auth.me.query() });
}
const preloaded = preloadPage(pathname).catch(() => undefined); // the page reports the failure when it is rendered
void Promise.race([preloaded, new Promise((resolve) => setTimeout(resolve, firstRenderTimeoutMs))]).then(render);
void interacted.then(preloadParts);

function render(): void {
  const root = document.querySelector('#root');
  if (root === null) throw new Error('index.html has no element with the id "root". Restore it.');
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto">
        <trpc.Provider client={client} queryClient={queryClient}>
          <QueryClientProvider client={queryClient}>
            <AppContext value={services}>
              <CrashBoundary>
                <BrowserRouter>
                  <AppRoutes />
                </BrowserRouter>
              </CrashBoundary>
              <Suspense>
                <Toasts />
              </Suspense>
            </AppContext>
          </QueryClientProvider>
        </trpc.Provider>
      </MantineProvider>
    </StrictMode>,
  );
}
