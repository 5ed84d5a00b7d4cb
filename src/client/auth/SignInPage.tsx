import { Button, Text, Title } from '@mantine/core';
import { Navigate, useSearchParams } from 'react-router';

import { safeReturnTo } from '../../shared/safe-return-to.ts';
import { trpc } from '../api/trpc.ts';
import { Logo } from '../ui/Logo.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';

import classes from './sign-in-page.module.css';

const messages: Record<string, string> = {
  ended: 'Your session has ended. Sign in again to go on where you were; what you typed is kept.',
  'signed-out': 'You are signed out.',
  'signed-out-everywhere': 'You are signed out on every device.',
};

/** The door. Sign-in itself happens at the identity provider, to which the button leads. */
export function SignInPage() {
  const [search] = useSearchParams();
  const returnTo = safeReturnTo(search.get('returnTo'), '/projects');
  const reason = search.get('reason');
  // Whoever comes here because a session ended needs no test whether it did.
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
          A workspace of its own for every project: OpenCode, files and sessions in one pod, kept running and shown
          live.
        </Text>
        {message !== undefined && <output className={classes.note}>{message}</output>}
        <Button component="a" href={`/auth/login?returnTo=${encodeURIComponent(returnTo)}`} size="md" fullWidth mt="xl">
          Sign in
        </Button>
      </div>
    </main>
  );
}
