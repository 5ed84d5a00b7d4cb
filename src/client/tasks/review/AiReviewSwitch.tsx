/** Whether an agent reviews the changes of this project's tasks before a person does. */

import { Switch } from '@mantine/core';

import type { Project } from '../../../shared/contract/project.ts';
import { refusalOf } from '../../projects/use-project-actions.ts';
import { useProjectUpdate } from '../../projects/use-project-update.ts';
import { notifyFailure } from '../../ui/notify.ts';

export function AiReviewSwitch({ project }: { project: Project }) {
  const update = useProjectUpdate({ onRefused: (error) => notifyFailure('The AI review was not changed', error) });
  return (
    <Switch
      size="xs"
      label="AI review"
      title="Another agent reads what a task has changed, and gives a verdict, before you review it."
      checked={project.aiReview}
      disabled={refusalOf('update', project) !== null}
      onChange={({ currentTarget: { checked } }) => update.mutate({ project, change: { aiReview: checked } })}
    />
  );
}
