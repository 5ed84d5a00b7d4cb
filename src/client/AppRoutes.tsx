/** Every address of the client. Pages are loaded when they are first visited. */
import { Suspense } from 'react';
import { Navigate, Route, Routes } from 'react-router';

import { lazyPart } from './ui/lazy-part.ts';
import { PageLoading } from './ui/PageLoading.tsx';

const SignInPage = lazyPart(async () => (await import('./auth/SignInPage.tsx')).SignInPage);
const AppLayout = lazyPart(async () => (await import('./ui/AppLayout.tsx')).AppLayout);
const ProjectsPage = lazyPart(async () => (await import('./projects/ProjectsPage.tsx')).ProjectsPage);
const ProjectPage = lazyPart(async () => (await import('./projects/ProjectPage.tsx')).ProjectPage);
const SessionsPage = lazyPart(async () => (await import('./settings/SessionsPage.tsx')).SessionsPage);
const TokensPage = lazyPart(async () => (await import('./settings/TokensPage.tsx')).TokensPage);
const NotFoundPage = lazyPart(async () => (await import('./ui/NotFoundPage.tsx')).NotFoundPage);

export function AppRoutes() {
  return (
    <Suspense fallback={<PageLoading />}>
      <Routes>
        <Route index element={<Navigate to="/projects" replace />} />
        <Route path="sign-in" element={<SignInPage />} />
        <Route element={<AppLayout />}>
          <Route path="projects" element={<ProjectsPage />} />
          <Route path="projects/:projectId/:tab?" element={<ProjectPage />} />
          <Route path="settings" element={<Navigate to="/settings/tokens" replace />} />
          <Route path="settings/sessions" element={<SessionsPage />} />
          <Route path="settings/tokens" element={<TokensPage />} />
        </Route>
        <Route path="*" element={<NotFoundPage />} />
      </Routes>
    </Suspense>
  );
}
