/** The page with the sessions of the user. The user can end sessions here. */

import { Alert, Button, Group, Skeleton, Text, Title } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';

import type { Session } from '../../shared/contract/account.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { notifyFailure } from '../ui/notify.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { EndSessionsDialog } from './EndSessionsDialog.tsx';
import { SessionRow } from './SessionRow.tsx';
import { SettingsNav } from './SettingsNav.tsx';
import { useEndSessions } from './use-end-sessions.ts';

import classes from './settings.module.css';

export function SessionsPage() {
  // No event reports sessions, so the list is loaded again whenever the user opens the page or returns to the window.
  const sessions = trpc.sessions.list.useQuery(undefined, { refetchOnMount: 'always', refetchOnWindowFocus: 'always' });
  const { client } = trpc.useUtils();
  const { session } = useApp();
  const end = useEndSessions();
  const everywhere = useMutation({
    mutationFn: () => session.signOutEverywhere(() => client.sessions.revokeAll.mutate({})),
    onError: (error) => notifyFailure('You are still signed in', error),
  });
  const [confirming, setConfirming] = useState<'others' | 'everywhere' | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const confirm = (): void => {
    if (confirming === 'everywhere') everywhere.mutate();
    else end.mutate('others');
    setConfirming(null);
  };
  const endOne = (one: Session): void => {
    end.mutate(one);
    list.current?.focus(); // the focused button is about to be removed
  };
  const others = sessions.data?.filter(({ isCurrent }) => !isCurrent).length ?? 0;
  return (
    <div className={classes.root}>
      <PageTitle>Sessions</PageTitle>
      <SettingsNav />
      <Title order={1}>Sessions</Title>
      <Text c="dimmed" mt={4}>
        The browsers and devices on which you are signed in. Sign out those that you do not recognise.
      </Text>
      {sessions.isPending && <SessionsLoading />}
      {sessions.isError && sessions.data === undefined && (
        <LoadFailure
          what="Your sessions"
          error={sessions.error}
          retrying={sessions.isFetching}
          onRetry={() => void sessions.refetch()}
        />
      )}
      {sessions.isError && sessions.data !== undefined && (
        <Alert color="red" variant="light" mt="lg" role="alert" icon={<IconAlertCircle size={18} />}>
          <Group justify="space-between" gap="xs">
            <span>This list may be out of date. {readError(sessions.error).message}</span>
            <Button variant="default" size="xs" onClick={() => void sessions.refetch()} loading={sessions.isFetching}>
              Try again
            </Button>
          </Group>
        </Alert>
      )}
      {sessions.data !== undefined && (
        <>
          <ul className={classes.list} aria-label="Sessions" ref={list} tabIndex={-1}>
            {sessions.data
              .toSorted((one, other) => Number(other.isCurrent) - Number(one.isCurrent))
              .map((one) => (
                <SessionRow key={one.id} session={one} onEnd={() => endOne(one)} />
              ))}
          </ul>
          <div className={classes.footer}>
            <Text c="dimmed" size="sm">
              {others === 0 ? 'You are not signed in anywhere else.' : 'Access tokens are not affected by signing out.'}
            </Text>
            <Group gap="xs" className={classes.actions ?? ''}>
              {others > 0 && (
                <Button variant="default" onClick={() => setConfirming('others')}>
                  Sign out other sessions
                </Button>
              )}
              <Button variant="default" onClick={() => setConfirming('everywhere')} loading={everywhere.isPending}>
                Sign out everywhere
              </Button>
            </Group>
          </div>
        </>
      )}
      <EndSessionsDialog scope={confirming} onConfirm={confirm} onClose={() => setConfirming(null)} />
    </div>
  );
}

function SessionsLoading() {
  return (
    <div aria-hidden="true">
      <Skeleton height={132} mt="lg" radius="lg" />
      <Skeleton height={36} width={180} mt="md" radius="md" ml="auto" />
    </div>
  );
}
