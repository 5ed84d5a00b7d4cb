/** The page with the user's access tokens, with which scripts and the SDK call the API. */

import { Button, Group, Skeleton, Text, Title } from '@mantine/core';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { Suspense, useState } from 'react';

import type { AccessToken } from '../../shared/contract/account.ts';
import { trpc } from '../api/trpc.ts';
import { formatDate } from '../ui/format.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';
import { Time } from '../ui/Time.tsx';
import { RevokeTokenDialog } from './RevokeTokenDialog.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

const CreateTokenDialog = lazyPart(async () => (await import('./CreateTokenDialog.tsx')).CreateTokenDialog);

export function TokensPage() {
  // A computer that logs in adds one from elsewhere.
  const tokens = trpc.tokens.list.useQuery(undefined, { staleTime: 0, refetchOnWindowFocus: true });
  // Each opening mounts a new dialog, so that the secret of the previous token is gone.
  const [opening, setOpening] = useState({ number: 0, opened: false });
  const [revoking, setRevoking] = useState<AccessToken | null>(null);
  const open = (): void => setOpening(({ number }) => ({ number: number + 1, opened: true }));
  return (
    <div className={classes.root}>
      <PageTitle>Access tokens</PageTitle>
      <SettingsNav />
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Title order={1}>Access tokens</Title>
          <Text c="dimmed" mt={4}>
            Scripts and the SDK use a token to call the API as you. Treat it like a password.
          </Text>
        </div>
        <Button leftSection={<IconPlus size={16} stroke={2} />} onClick={open} style={{ flex: 'none' }}>
          New token
        </Button>
      </Group>
      {tokens.isPending && <Skeleton height={120} mt="lg" radius="lg" />}
      {tokens.isError && (
        <LoadFailure
          what="Your tokens"
          error={tokens.error}
          retrying={tokens.isFetching}
          onRetry={() => void tokens.refetch()}
        />
      )}
      {tokens.data?.length === 0 && (
        <Message
          icon={<IconKey size={22} stroke={1.6} />}
          title="No access tokens"
          actions={
            <Button variant="default" onClick={open}>
              New token
            </Button>
          }
        >
          Create one to use the API from a script.
        </Message>
      )}
      {tokens.data !== undefined && tokens.data.length > 0 && (
        <ul className={classes.list} aria-label="Access tokens">
          {tokens.data.map((token) => (
            <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
          ))}
        </ul>
      )}
      <Suspense>
        {opening.number > 0 && (
          <CreateTokenDialog
            key={opening.number}
            opened={opening.opened}
            onClose={() => setOpening(({ number }) => ({ number, opened: false }))}
          />
        )}
      </Suspense>
      <RevokeTokenDialog token={revoking} onClose={() => setRevoking(null)} />
    </div>
  );
}

function TokenRow({ token, onRevoke }: { token: AccessToken; onRevoke: () => void }) {
  return (
    <li className={classes.row}>
      <div className={classes.text}>
        <span className={classes.name}>{token.name}</span>
        <span className={classes.facts}>
          <span>Created {formatDate(token.createdAt)}</span>
          <span>{token.expiresAt === null ? 'No expiry' : `Expires ${formatDate(token.expiresAt)}`}</span>
          <span>
            {token.lastUsedAt === null ? (
              'Never used'
            ) : (
              <>
                Last used <Time iso={token.lastUsedAt} />
              </>
            )}
          </span>
        </span>
      </div>
      <Button variant="default" size="xs" flex="none" onClick={onRevoke} aria-label={`Revoke ${token.name}`}>
        Revoke
      </Button>
    </li>
  );
}
