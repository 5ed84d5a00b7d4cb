/** The buttons of a project's page: the most frequent commands, and a menu with the rest. */

import { Button, Tooltip } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop, IconRotateClockwise, IconUsers, type TablerIcon } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { isInTrash } from './in-trash.ts';
import { canOpen } from './open-project.ts';
import { OpenButton } from './OpenButton.tsx';
import { ProjectMenu } from './ProjectMenu.tsx';
import { useStartAllowance } from './sizes/use-start-allowance.ts';
import { refusalOf, useProjectActions, type DirectCommand } from './use-project-actions.ts';

import classes from './project-detail.module.css';

const buttons: { command: DirectCommand; label: string; icon: TablerIcon }[] = [
  { command: 'start', label: 'Start', icon: IconPlayerPlay },
  { command: 'stop', label: 'Stop', icon: IconPlayerStop },
  { command: 'restart', label: 'Restart', icon: IconRotateClockwise },
];

interface ProjectActionsProps {
  project: Project;
  onRename: () => void;
  onShare: () => void;
  onDelete: () => void;
}

export function ProjectActions({ project, onRename, onShare, onDelete }: ProjectActionsProps) {
  const { run, running } = useProjectActions();
  const start = useStartAllowance(project);
  // In the trash, nothing but what stands beside its days helps.
  const shown = isInTrash(project) ? [] : buttons;
  return (
    <div className={classes.actions}>
      {canOpen(project) && <OpenButton project={project} />}
      {shown.map(({ command, label, icon: Icon }) => {
        const refusal = refusalOf(command, project) ?? (command === 'start' ? start.refusal : null);
        const hint = refusal ?? (command === 'start' ? start.text : null);
        // A refused button is not `disabled`: it stays reachable by keyboard, so that users can read the reason.
        return (
          <Tooltip key={command} label={hint} disabled={hint === null} multiline maw={320}>
            <Button
              className={classes.command ?? ''}
              variant="default"
              size="xs"
              leftSection={<Icon size={15} stroke={1.7} />}
              loading={running === command}
              data-disabled={refusal !== null}
              aria-disabled={refusal !== null}
              aria-description={hint ?? undefined}
              onClick={() => {
                if (refusal === null) run(command, project);
              }}
            >
              {label}
            </Button>
          </Tooltip>
        );
      })}
      {!isInTrash(project) && (
        // On a phone it is in the menu only.
        <Button
          visibleFrom="xs"
          variant="default"
          size="xs"
          leftSection={<IconUsers size={15} stroke={1.7} />}
          onClick={onShare}
        >
          {roleMay(project.role, 'share') ? 'Share' : 'Members'}
        </Button>
      )}
      <ProjectMenu project={project} onRename={onRename} onDelete={onDelete} />
    </div>
  );
}
