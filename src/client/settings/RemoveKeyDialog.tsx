/** The confirmation before the user's own key for a provider is removed. */

import { Button, Group, Stack, Text } from '@mantine/core';

import type { ModelProvider } from '../../shared/contract/models.ts';
import { trpc } from '../api/trpc.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone, notifyFailure } from '../ui/notify.ts';

interface RemoveKeyDialogProps {
  /** The provider whose key to remove; `null` while the dialog is closed. */
  provider: ModelProvider | null;
  onClose: () => void;
}

export function RemoveKeyDialog({ provider, onClose }: RemoveKeyDialogProps) {
  const utils = trpc.useUtils();
  const remove = trpc.models.deleteKey.useMutation({ onSuccess: () => utils.models.providers.invalidate() });
  const confirm = (): void => {
    if (provider === null || remove.isPending) return;
    remove.mutate(
      { provider: provider.id },
      {
        onSuccess() {
          notifyDone(`Your key for ${provider.name} is removed.`);
          onClose();
        },
        onError: (error) => notifyFailure(`Your key for ${provider.name} could not be removed`, error),
      },
    );
  };
  return (
    <Dialog opened={provider !== null} onClose={onClose} title="Remove key">
      <Stack gap="md">
        <Text>
          Remove your key for {provider?.name}?{' '}
          {provider?.hasInstallationKey === true
            ? 'Your projects will use the key of the installation.'
            : 'Your projects will not be able to use its models.'}
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" onClick={confirm} loading={remove.isPending}>
            Remove key
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
