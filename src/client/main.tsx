/**
 * The browser's entry. The client shows what the server says and sends what people ask for: server state lives in the
 * query cache alone, written by one subscription a tab. It never polls, and never shows an old state as the present one.
 */
import './ui/styles.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';

import { trpc } from './api/trpc.ts';
import { AppContext } from './app-context.ts';
import { createApp } from './app.ts';
import { AppRoutes } from './AppRoutes.tsx';
import { preloadParts } from './preload-parts.ts';
import { CrashBoundary } from './ui/CrashBoundary.tsx';
import { firstTouch } from './ui/first-touch.ts';
import { lazyPart } from './ui/lazy-part.ts';
import { cssVariablesResolver, theme } from './ui/theme.ts';

const touched = firstTouch(window);
const Toasts = lazyPart(async () => {
  await touched;
  return (await import('./ui/Toasts.tsx')).Toasts;
});

const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no element with the id "root". Restore it.');

const { queryClient, client, services } = createApp({ window });

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

void touched.then(preloadParts);
