/** What administrators tell everybody, and the switch that lets no project start. */

import { Button, Group, Skeleton, Stack, Switch, Textarea } from '@mantine/core';
import { useState } from 'react';

import type { Notice } from '../../shared/contract/admin.ts';
import { trpc } from '../api/trpc.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { notifyDone, notifyFailure } from '../ui/notify.ts';
import { AdminFrame } from './AdminFrame.tsx';

export function InstallationPage() {
  const notice = trpc.admin.notice.useQuery();
  return (
    <AdminFrame title="Installation" description="For upgrades and maintenance.">
      {notice.isPending && <Skeleton height={160} mt="lg" radius="lg" />}
      {notice.isError && (
        <LoadFailure
          what="The settings"
          error={notice.error}
          retrying={notice.isFetching}
          onRetry={() => void notice.refetch()}
        />
      )}
      {notice.data && <NoticeForm key={JSON.stringify(notice.data)} notice={notice.data} />}
    </AdminFrame>
  );
}

function NoticeForm({ notice }: { notice: Notice }) {
  const [announcement, setAnnouncement] = useState(notice.announcement ?? '');
  const [isDraining, setDraining] = useState(notice.isDraining);
  const { admin } = trpc.useUtils();
  const save = trpc.admin.setNotice.useMutation({
    onSuccess(saved) {
      admin.notice.setData(undefined, saved);
      notifyDone('Saved. Open pages show it within five minutes, and other pages at once.');
    },
    onError: (error) => notifyFailure('This could not be saved', error),
  });
  const isChanged = announcement !== (notice.announcement ?? '') || isDraining !== notice.isDraining;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate({ announcement, isDraining });
      }}
    >
      <Stack gap="lg" mt="lg" maw={640}>
        <Textarea
          label="Announcement"
          description="One sentence that everybody sees above each page. Empty: none."
          value={announcement}
          maxLength={500}
          autosize
          minRows={2}
          onChange={(event) => setAnnouncement(event.currentTarget.value)}
        />
        <Switch
          label="Let no project start"
          description="New projects, starts and restarts are refused, and say why. Projects that run keep running, and can be stopped."
          checked={isDraining}
          onChange={(event) => setDraining(event.currentTarget.checked)}
        />
        <Group>
          <Button type="submit" disabled={!isChanged} loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
