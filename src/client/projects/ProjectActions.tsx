import { Button, Tooltip } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop, IconRotateClockwise, type TablerIcon } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { ProjectMenu } from './ProjectMenu.tsx';
import { refusalOf, useProjectActions, type DirectAction } from './use-project-actions.ts';

import classes from './project-detail.module.css';

const buttons: { action: DirectAction; label: string; icon: TablerIcon }[] = [
  { action: 'start', label: 'Start', icon: IconPlayerPlay },
  { action: 'stop', label: 'Stop', icon: IconPlayerStop },
  { action: 'restart', label: 'Restart', icon: IconRotateClockwise },
];

export interface ProjectActionsProps {
  project: Project;
  onRename: () => void;
  onDelete: () => void;
}

/** What is done most often as buttons, the rest in a menu. */
export function ProjectActions({ project, onRename, onDelete }: ProjectActionsProps) {
  const { run, running } = useProjectActions();
  return (
    <div className={classes.actions}>
      {buttons.map(({ action, label, icon: Icon }) => {
        const refusal = refusalOf(action, project);
        // Refused buttons stay reachable by keyboard, so that their reason can be read.
        return (
          <Tooltip key={action} label={refusal} disabled={refusal === null}>
            <Button
              variant="default"
              size="xs"
              leftSection={<Icon size={15} stroke={1.7} />}
              loading={running === action}
              data-disabled={refusal !== null}
              aria-disabled={refusal !== null}
              aria-description={refusal ?? undefined}
              onClick={() => {
                if (refusal === null) run(action, project);
              }}
            >
              {label}
            </Button>
          </Tooltip>
        );
      })}
      <ProjectMenu project={project} onRename={onRename} onDelete={onDelete} />
    </div>
  );
}
