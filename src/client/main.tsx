/**
 * The browser's entry. The client shows what the server says and sends what people ask for: server state lives in the
 * query cache alone, written by one subscription a tab. It never polls, and never shows an old state as the present one.
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
import { preloadParts } from './preload-parts.ts';
import { CrashBoundary } from './ui/CrashBoundary.tsx';
import { firstTouch } from './ui/first-touch.ts';
import { lazyPart } from './ui/lazy-part.ts';
import { cssVariablesResolver, theme } from './ui/theme.ts';

/** After that an empty page would look like a broken one. */
const timeoutMs = 400;

const touched = firstTouch(window);
const Toasts = lazyPart(async () => {
  await touched;
  return (await import('./ui/Toasts.tsx')).Toasts;
});

const { queryClient, client, services } = createApp({ window });

// Who it is and what is to be drawn are asked for side by side. Only where that takes long something is drawn without it.
const { pathname } = window.location;
if (pathname !== '/sign-in') {
  const queryKey = getQueryKey(trpc.auth.me, undefined, 'query');
  void queryClient.prefetchQuery({ queryKey, queryFn: () => client.auth.me.query() });
}
const preloaded = preloadPage(pathname).catch(() => undefined); // what draws it says so
void Promise.race([preloaded, new Promise((resolve) => setTimeout(resolve, timeoutMs))]).then(draw);

function draw(): void {
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

void touched.then(preloadParts);
