/** The user's choices for new projects. */

import { NativeSelect, Skeleton, Switch, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import type { ProjectDefaults } from '../../shared/contract/account.ts';
import { idleStopLabel, idleStops } from '../../shared/contract/idle-stop.ts';
import { trpc } from '../api/trpc.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { notifyFailure } from '../ui/notify.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

const mutationKey = ['change-defaults'];

export function DefaultsPage() {
  const defaults = trpc.auth.defaults.useQuery();
  return (
    <div className={classes.root}>
      <PageTitle>Defaults</PageTitle>
      <SettingsNav />
      <Title order={1}>Defaults</Title>
      <Text c="dimmed" mt={4}>
        For new projects. Projects that exist keep what they have, and each project can be changed in its Config tab.
      </Text>
      {defaults.isPending && <Skeleton height={160} mt="lg" radius="lg" />}
      {defaults.isError && (
        <LoadFailure
          what="Your defaults"
          error={defaults.error}
          retrying={defaults.isFetching}
          onRetry={() => void defaults.refetch()}
        />
      )}
      {defaults.data && <DefaultsList defaults={defaults.data} />}
    </div>
  );
}

/** Each change is saved at once, and shown before the server has answered. */
function DefaultsList({ defaults }: { defaults: ProjectDefaults }) {
  const { data: quota } = trpc.projects.quota.useQuery({}, { staleTime: 0 });
  const { auth, client } = trpc.useUtils();
  const queryClient = useQueryClient();
  const save = useMutation({
    mutationKey,
    mutationFn: (part: Partial<ProjectDefaults>) => client.auth.setDefaults.mutate(part),
    async onMutate(part) {
      await auth.defaults.cancel(); // a pending answer would show the old choice
      auth.defaults.setData(undefined, (shown) => shown && { ...shown, ...part });
    },
    onError: (error) => notifyFailure('Your defaults were not changed', error),
    // Only the last of several changes loads them again. Before that, they would lack what others are changing.
    onSettled: () => (queryClient.isMutating({ mutationKey }) === 1 ? auth.defaults.invalidate() : undefined),
  });
  const change = (part: Partial<ProjectDefaults>): void => save.mutate(part);
  const sizes = quota?.sizes ?? [];
  return (
    <div className={classes.list}>
      {sizes.length > 0 && (
        <div className={classes.row}>
          <NativeSelect
            label="Size"
            value={defaults.size ?? ''}
            data={[
              { value: '', label: 'As this installation has it' },
              ...sizes.map(({ name, label }) => ({ value: name, label })),
            ]}
            onChange={({ currentTarget: { value } }) => change({ size: value === '' ? null : value })}
          />
        </div>
      )}
      <div className={classes.row}>
        <NativeSelect
          label="Stop when idle"
          value={defaults.idleStop}
          data={idleStops.map((value) => ({ value, label: idleLabels(value) }))}
          onChange={({ currentTarget: { value } }) => {
            const idleStop = idleStops.find((each) => each === value);
            if (idleStop) change({ idleStop });
          }}
        />
      </div>
      <div className={classes.row}>
        <Switch
          label="AI review"
          description="After each task another agent reads what was changed, and says what it finds."
          checked={defaults.aiReview}
          onChange={(event) => change({ aiReview: event.currentTarget.checked })}
        />
      </div>
    </div>
  );
}

function idleLabels(choice: ProjectDefaults['idleStop']): string {
  if (choice === 'default') return 'As this installation has it';
  return choice === 'never' ? 'Never' : `After ${idleStopLabel(choice)}`;
}
