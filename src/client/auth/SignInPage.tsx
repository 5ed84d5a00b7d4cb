/** The sign-in page. Its button leads to the identity provider, where the user signs in. */

import { Button, Text, Title } from '@mantine/core';
import { Navigate, useSearchParams } from 'react-router';

import { safeReturnTo } from '../../shared/safe-return-to.ts';
import { trpc } from '../api/trpc.ts';
import { Logo } from '../ui/Logo.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';

import classes from './sign-in-page.module.css';

/** The messages for the `reason` in the address. */
const messages: Record<string, string> = {
  ended: 'Your session has ended. Sign in again to continue. What you typed is kept.',
  'signed-out': 'You are signed out.',
  'signed-out-everywhere': 'You are signed out on every device.',
};

export function SignInPage() {
  const [search] = useSearchParams();
  const returnTo = safeReturnTo(search.get('returnTo'), '/projects');
  const reason = search.get('reason');
  // With a reason, the session is known to have ended, so there is no need to ask the server.
  const me = trpc.auth.me.useQuery(undefined, {
    retry: false,
    retryOnMount: false,
    enabled: reason === null,
  });
  if (reason === null && me.isSuccess) return <Navigate to={returnTo} replace />;
  const message = messages[reason ?? ''];
  return (
    <main className={classes.root}>
      <PageTitle>Sign in</PageTitle>
      <div className={classes.card}>
        <Logo size={40} />
        <Title order={1} mt="lg">
          OpenCode Project Manager
        </Title>
        <Text c="dimmed" mt={6}>
          Every project gets its own workspace: OpenCode, files and sessions in one pod, which is a group of containers
          in a Kubernetes cluster. It is kept running and shown live.
        </Text>
        {message !== undefined && <output className={classes.note}>{message}</output>}
        <Button component="a" href={`/auth/login?returnTo=${encodeURIComponent(returnTo)}`} size="md" fullWidth mt="xl">
          Sign in
        </Button>
      </div>
    </main>
  );
}
