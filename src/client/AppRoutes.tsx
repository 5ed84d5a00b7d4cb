/** The routes of the client. The code of a page is loaded when the page is first visited. */

import { Suspense } from 'react';
import { matchRoutes, Navigate, useRoutes, type RouteObject } from 'react-router';

import { lazyPart, type LazyPart } from './ui/lazy-part.ts';
import { PageLoading } from './ui/PageLoading.tsx';

const SignInPage = lazyPart(async () => (await import('./auth/SignInPage.tsx')).SignInPage);
const AppLayout = lazyPart(async () => (await import('./ui/AppLayout.tsx')).AppLayout);
const ProjectsPage = lazyPart(async () => (await import('./projects/ProjectsPage.tsx')).ProjectsPage);
const ProjectPage = lazyPart(async () => (await import('./projects/ProjectPage.tsx')).ProjectPage);
const OpenProjectPage = lazyPart(async () => (await import('./projects/OpenProjectPage.tsx')).OpenProjectPage);
const ProfilePage = lazyPart(async () => (await import('./settings/ProfilePage.tsx')).ProfilePage);
const AppearancePage = lazyPart(async () => (await import('./settings/AppearancePage.tsx')).AppearancePage);
const SessionsPage = lazyPart(async () => (await import('./settings/SessionsPage.tsx')).SessionsPage);
const ModelsPage = lazyPart(async () => (await import('./settings/ModelsPage.tsx')).ModelsPage);
const UsagePage = lazyPart(async () => (await import('./settings/UsagePage.tsx')).UsagePage);
const TokensPage = lazyPart(async () => (await import('./settings/TokensPage.tsx')).TokensPage);
const DefaultsPage = lazyPart(async () => (await import('./settings/DefaultsPage.tsx')).DefaultsPage);
const DevicePage = lazyPart(async () => (await import('./settings/DevicePage.tsx')).DevicePage);
const NotificationsPage = lazyPart(async () => (await import('./settings/NotificationsPage.tsx')).NotificationsPage);
const PeoplePage = lazyPart(async () => (await import('./admin/PeoplePage.tsx')).PeoplePage);
const AllProjectsPage = lazyPart(async () => (await import('./admin/AllProjectsPage.tsx')).AllProjectsPage);
const AdminUsagePage = lazyPart(async () => (await import('./admin/AdminUsagePage.tsx')).AdminUsagePage);
const AuditPage = lazyPart(async () => (await import('./admin/AuditPage.tsx')).AuditPage);
const InstallationPage = lazyPart(async () => (await import('./admin/InstallationPage.tsx')).InstallationPage);
const NotFoundPage = lazyPart(async () => (await import('./ui/NotFoundPage.tsx')).NotFoundPage);

/** A route to a page. `preloadPage` finds the page's part in the route's `handle`. */
const page = (path: string, Part: LazyPart<object>): RouteObject => ({ path, element: <Part />, handle: Part });
const redirect = (path: string, to: string): RouteObject => ({ path, element: <Navigate to={to} replace /> });

const routes: RouteObject[] = [
  redirect('/', '/projects'),
  page('sign-in', SignInPage),
  {
    element: <AppLayout />,
    handle: AppLayout,
    children: [
      page('projects', ProjectsPage),
      page('projects/:projectId/open', OpenProjectPage),
      page('projects/:projectId/:tab?', ProjectPage),
      page('device', DevicePage),
      redirect('settings', '/settings/profile'),
      page('settings/profile', ProfilePage),
      page('settings/defaults', DefaultsPage),
      page('settings/appearance', AppearancePage),
      page('settings/notifications', NotificationsPage),
      page('settings/sessions', SessionsPage),
      page('settings/models', ModelsPage),
      page('settings/usage', UsagePage),
      page('settings/tokens', TokensPage),
      redirect('admin', '/admin/people'),
      page('admin/people', PeoplePage),
      page('admin/projects', AllProjectsPage),
      page('admin/usage', AdminUsagePage),
      page('admin/audit', AuditPage),
      page('admin/installation', InstallationPage),
    ],
  },
  page('*', NotFoundPage),
];

export function AppRoutes() {
  const element = useRoutes(routes);
  return <Suspense fallback={<PageLoading />}>{element}</Suspense>;
}

/** Loads the code of the layout and of the page at a path, both at the same time. */
export async function preloadPage(pathname: string): Promise<void> {
  const matches = matchRoutes(routes, pathname === '/' ? '/projects' : pathname) ?? [];
  await Promise.all(
    matches.map(async ({ route }) => {
      const part = route.handle as LazyPart<object> | undefined; // `page` above sets it
      await part?.preload();
    }),
  );
}
