/** What a person loses with the volume of a project, as far as git knows: in the dialog that deletes the project. */

import { List, Text } from '@mantine/core';

import type { Project } from '../../shared/contract/project.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { unsavedLines } from './unsaved-lines.ts';

export function UnsavedWorkList({ project }: { project: Project }) {
  const isRunning = project.status === 'ready';
  const { data, error } = trpc.files.unsaved.useQuery(
    { id: project.id },
    { enabled: isRunning, staleTime: 0, gcTime: 0, retry: 1 },
  );
  if (!isRunning) {
    return (
      <Text size="sm" c="dimmed">
        The project does not run, so nobody knows what is not committed or pushed. Start it to find out.
      </Text>
    );
  }
  if (error) {
    return (
      <Text size="sm" c="dimmed">
        It is not known what is not committed or pushed. {readError(error).message}
      </Text>
    );
  }
  if (!data) {
    return (
      <Text size="sm" c="dimmed" role="status">
        Looking for work that is not committed or pushed…
      </Text>
    );
  }
  const lines = unsavedLines(data);
  return (
    <div role="status">
      {lines.length === 0 ? (
        <Text size="sm">Everything is committed and pushed.</Text>
      ) : (
        <>
          <Text size="sm" fw={600}>
            This is only on the volume:
          </Text>
          <List size="sm">
            {lines.map((line) => (
              <List.Item key={line} style={{ overflowWrap: 'anywhere' }}>
                {line}
              </List.Item>
            ))}
          </List>
        </>
      )}
    </div>
  );
}
