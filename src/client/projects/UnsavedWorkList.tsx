/** What a person loses with the volume of a project, as far as git knows: in the dialog that deletes the project. */

import { List, Text } from '@mantine/core';
import type { ReactNode } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { unsavedLines } from './unsaved-lines.ts';

export function UnsavedWorkList({ project }: { project: Project }) {
  const isRunning = project.status === 'ready';
  const { data, error } = trpc.files.unsaved.useQuery({ id: project.id }, { enabled: isRunning, gcTime: 0 });
  if (!isRunning) return <Hint>The project does not run, so nobody knows what is not committed or pushed.</Hint>;
  const unknown = error ? readError(error).message : data?.unknown;
  if (unknown) return <Hint>Nobody knows what is not committed or pushed. {unknown}</Hint>;
  if (!data) return <Hint>Looking for work that is not committed or pushed…</Hint>;
  const lines = unsavedLines(data);
  return (
    <div aria-live="polite">
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

function Hint({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed" component="output">
      {children}
    </Text>
  );
}
