import { Suspense, useEffect, useRef, useState } from 'react';
import { Navigate, Outlet, useLocation, useNavigationType, NavigationType } from 'react-router';

import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { signInPath } from '../auth/return-to.ts';
import { Shortcuts } from '../palette/Shortcuts.tsx';
import { BarePage } from './BarePage.tsx';
import { ConnectionBanner } from './ConnectionBanner.tsx';
import { Header } from './Header.tsx';
import { LoadFailure } from './LoadFailure.tsx';
import { PageLoading } from './PageLoading.tsx';

import classes from './app-layout.module.css';

/** The frame of every page for signed-in people; leads everybody else to the sign-in page, and back afterwards. */
export function AppLayout() {
  const me = trpc.auth.me.useQuery();
  const location = useLocation();
  if (me.isPending) return <PageLoading />;
  if (me.isError) {
    if (readError(me.error).code === 'UNAUTHENTICATED') {
      return <Navigate to={signInPath({ returnTo: `${location.pathname}${location.search}` })} replace />;
    }
    return (
      <BarePage>
        <LoadFailure
          what="Your account"
          error={me.error}
          retrying={me.isFetching}
          onRetry={() => void me.refetch()}
          order={1}
        />
      </BarePage>
    );
  }
  return <SignedIn />;
}

function SignedIn() {
  const { liveFeed } = useApp();
  const { pathname } = useLocation();
  const navigationType = useNavigationType();
  const main = useRef<HTMLElement>(null);
  // The tabs of a project are one page: `/projects/<id>` and whatever follows.
  const page = pathname.split('/').slice(0, 3).join('/');
  const visited = useRef(page);
  const [paletteOpened, setPaletteOpened] = useState(false);
  const beforePalette = useRef<HTMLElement | null>(null);
  // The palette takes the focus as it appears, so that no letter is lost, and gives it back as it goes.
  const showPalette = (opened: boolean): void => {
    if (opened) beforePalette.current = document.activeElement as HTMLElement | null; // SVG is never focused here
    else beforePalette.current?.focus();
    setPaletteOpened(opened);
  };

  // The subscription lives outside of React and exactly as long as somebody is signed in.
  useEffect(() => {
    liveFeed.start();
    return () => liveFeed.stop();
  }, [liveFeed]);

  // A new page is a new context: keyboard and screen reader begin at its start, as after a full load.
  useEffect(() => {
    if (visited.current === page) return;
    visited.current = page;
    main.current?.focus({ preventScroll: true });
    if (navigationType === NavigationType.Push) window.scrollTo(0, 0);
  }, [page, navigationType]);

  return (
    <div className={classes.root}>
      <a className={classes.skip} href="#main">
        Skip to the content
      </a>
      <Header onOpenPalette={() => showPalette(true)} />
      <main id="main" ref={main} tabIndex={-1} className={classes.main}>
        <Suspense fallback={<PageLoading />}>
          <Outlet />
        </Suspense>
      </main>
      <ConnectionBanner />
      <Shortcuts paletteOpened={paletteOpened} onPalette={showPalette} />
    </div>
  );
}
