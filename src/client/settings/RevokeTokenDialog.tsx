/** The confirmation before a token is revoked. */

import { Button, Group, Stack, Text } from '@mantine/core';

import type { AccessToken } from '../../shared/contract/account.ts';
import { trpc } from '../api/trpc.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone, notifyFailure } from '../ui/notify.ts';

interface RevokeTokenDialogProps {
  /** The token to revoke; `null` while the dialog is closed. */
  token: AccessToken | null;
  onClose: () => void;
}

export function RevokeTokenDialog({ token, onClose }: RevokeTokenDialogProps) {
  const utils = trpc.useUtils();
  const revoke = trpc.tokens.revoke.useMutation();
  const confirm = (): void => {
    if (token === null || revoke.isPending) return;
    revoke.mutate(
      { id: token.id },
      {
        onSuccess: ({ id, name }) => {
          utils.tokens.list.setData(undefined, (list) => list?.filter((each) => each.id !== id));
          notifyDone(`“${name}” no longer works.`);
          onClose();
        },
        onError: (error) => notifyFailure(`“${token.name}” could not be revoked`, error),
      },
    );
  };
  return (
    <Dialog opened={token !== null} onClose={onClose} title="Revoke token">
      <Stack gap="md">
        <Text>
          Revoke{' '}
          <Text span fw={600}>
            {token?.name}
          </Text>
          ? Programs that use it will be refused.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" onClick={confirm} loading={revoke.isPending}>
            Revoke token
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
