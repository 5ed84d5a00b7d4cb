/** Says that a project was restored, and starts it: the message shows wherever the person is. */

import { Button, Group } from '@mantine/core';

import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { useStartAllowance } from './sizes/use-start-allowance.ts';
import { refusalOf, useProjectActions } from './use-project-actions.ts';

export function RestoredMessage({ project: restored }: { project: Project }) {
  const { data: project } = trpc.projects.get.useQuery({ id: restored.id }, { initialData: restored });
  const { run, running } = useProjectActions();
  const { refusal } = useStartAllowance(project);
  const canStart = refusalOf('start', project) === null && refusal === null;
  return (
    <Group gap="sm" justify="space-between">
      <span>
        “{project.name}” is restored. {refusal}
      </span>
      {canStart && (
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Start ${project.name}`}
          loading={running === 'start'}
          onClick={() => run('start', project)}
        >
          Start
        </Button>
      )}
    </Group>
  );
}
