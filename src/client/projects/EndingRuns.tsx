/** Says which runs of tasks end with the project: in the dialog that deletes it. */

import { Text } from '@mantine/core';

import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { endingRunsText } from './ending-runs-text.ts';

interface EndingRunsProps {
  project: Project;
  isFinal: boolean;
}

export function EndingRuns({ project, isFinal }: EndingRunsProps) {
  const { data } = trpc.tasks.list.useQuery({ projectId: project.id }, { gcTime: 0, staleTime: 0 });
  const text = endingRunsText(data?.items ?? [], { isFinal });
  if (text === null) return null;
  return (
    <Text size="sm" fw={600} component="output" style={{ overflowWrap: 'anywhere' }}>
      {text}
    </Text>
  );
}
