/** The frame of all pages for signed-in users. It redirects other visitors to the sign-in page, which leads back here. */

import { Suspense, useEffect, useEffectEvent, useRef, useState } from 'react';
import { Navigate, Outlet, useLocation, useNavigate, useNavigationType, NavigationType } from 'react-router';

import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { signInPath } from '../auth/sign-in-path.ts';
import { useNotifying } from '../notifications/setting.ts';
import { Shortcuts } from '../palette/Shortcuts.tsx';
import { BarePage } from './BarePage.tsx';
import { ConnectionBanner } from './ConnectionBanner.tsx';
import { Header } from './Header.tsx';
import { lazyPart } from './lazy-part.ts';
import { LoadFailure } from './LoadFailure.tsx';
import { PageLoading } from './PageLoading.tsx';

import classes from './app-layout.module.css';

/** An idle page asks the server seldom. */
const noticeMs = 300_000;

const Announcement = lazyPart(async () => (await import('../admin/Announcement.tsx')).Announcement);

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
  const { liveFeed, projectCache } = useApp();
  // Without an answer there is nothing to say: the page itself shows that the server does not answer.
  const { data: notice } = trpc.admin.notice.useQuery(undefined, { refetchInterval: noticeMs, retry: false });
  const navigate = useNavigate();
  const isNotifying = useNotifying();
  const { pathname } = useLocation();
  const navigationType = useNavigationType();
  const main = useRef<HTMLElement>(null);
  // All tabs of a project are one page: `/projects/<id>`.
  const page = pathname.split('/').slice(0, 3).join('/');
  const visited = useRef(page);
  const [paletteOpened, setPaletteOpened] = useState(false);
  const beforePalette = useRef<HTMLElement | null>(null);
  // The palette takes the focus in its first render, so that no typed letter is lost. Closing it returns the focus.
  const showPalette = (opened: boolean): void => {
    if (opened) beforePalette.current = document.activeElement as HTMLElement | null; // no SVG element is focusable here
    else beforePalette.current?.focus();
    setPaletteOpened(opened);
  };

  // The subscription runs outside of React while a user is signed in.
  useEffect(() => {
    liveFeed.start();
    return () => liveFeed.stop();
  }, [liveFeed]);

  const openPath = useEffectEvent((path: string) => void navigate(path));
  useEffect(() => {
    if (!isNotifying) return;
    let end: (() => void) | undefined;
    let isOver = false;
    const begin = async (): Promise<void> => {
      const { notifyOfProjects } = await import('../notifications/notify-of-projects.ts');
      if (!isOver) end = notifyOfProjects(projectCache, (path) => openPath(path));
    };
    begin().catch(() => undefined); // its code could not be loaded; the page shows the same
    return () => {
      isOver = true;
      end?.();
    };
  }, [isNotifying, projectCache]);

  // After a navigation, keyboard and screen reader start at the top of the new page, as after a full page load.
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
      {notice && (notice.announcement !== null || notice.isDraining) && (
        <Suspense>
          <Announcement notice={notice} />
        </Suspense>
      )}
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
