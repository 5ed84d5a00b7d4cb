/** The menu of a project: every command and dialog. An item that is refused in the current state stays and says why. */

import { Menu, Tooltip, type ActionIconProps } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import {
  IconArrowBackUp,
  IconExternalLink,
  IconListDetails,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRotateClockwise,
  IconTrash,
  IconUsers,
  type TablerIcon,
} from '@tabler/icons-react';
import type { ComponentPropsWithRef, ReactElement } from 'react';
import { useNavigate } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import type { ProjectAction } from '../../shared/contract/states.ts';
import type { LazyMenuProps } from '../ui/use-lazy-menu.ts';
import { isInTrash } from './in-trash.ts';
import { canOpen, openPath } from './open-project.ts';
import { useStartAllowance } from './sizes/use-start-allowance.ts';
import { refusalOf, useProjectActions, type DirectCommand } from './use-project-actions.ts';

import classes from './project-menu.module.css';

const directCommands: { command: DirectCommand; label: string; icon: TablerIcon }[] = [
  { command: 'start', label: 'Start', icon: IconPlayerPlay },
  { command: 'stop', label: 'Stop', icon: IconPlayerStop },
  { command: 'restart', label: 'Restart', icon: IconRotateClockwise },
  { command: 'retry', label: 'Retry', icon: IconRefresh },
];

export interface ProjectMenuProps {
  project: Project;
  onDelete: () => void;
  /** Adds an item that shows the page of the project. */
  withDetails?: boolean;
  /** Adds an item that renames the project. */
  onRename?: () => void;
}

/** Renders the button of the menu, with props that differ between the plain button and the target of the menu. */
export type RenderMenuButton = (props: ActionIconProps & ComponentPropsWithRef<'button'>) => ReactElement;

export function ProjectMenuContent(props: ProjectMenuProps & LazyMenuProps & { renderButton: RenderMenuButton }) {
  const { project, onDelete, withDetails = false, onRename, opened, onChange, renderButton } = props;
  const navigate = useNavigate();
  const { run, running } = useProjectActions();
  const start = useStartAllowance(project);
  // The first render is closed: a menu that is open when it mounts does not know where to return the focus.
  const mounted = useMounted();
  return (
    <Menu
      opened={opened && mounted}
      onChange={onChange}
      position="bottom-end"
      width={180}
      shadow="md"
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        {/* This button replaces the plain one that the user has pressed, so it must take the focus over. */}
        {renderButton({ loading: running !== null, autoFocus: true })}
      </Menu.Target>
      <Menu.Dropdown>
        {canOpen(project) && (
          <Menu.Item
            leftSection={<IconExternalLink size={16} stroke={1.6} />}
            component="a"
            href={openPath(project.id)}
            target="_blank"
            rel="noopener"
          >
            Open
          </Menu.Item>
        )}
        {withDetails && (
          <Menu.Item
            leftSection={<IconListDetails size={16} stroke={1.6} />}
            onClick={() => void navigate(`/projects/${project.id}`)}
          >
            Show details
          </Menu.Item>
        )}
        {onRename !== undefined && (
          <ActionItem action="update" label="Rename" icon={IconPencil} project={project} onClick={onRename} />
        )}
        {project.desiredState !== 'deleted' && project.trashedAt === null && (
          <Menu.Item
            leftSection={<IconUsers size={16} stroke={1.6} />}
            onClick={() => void navigate(`/projects/${project.id}?share`)}
          >
            {roleMay(project.role, 'share') ? 'Share…' : 'Members…'}
          </Menu.Item>
        )}
        <Menu.Divider />
        {directCommands.map(({ command, label, icon }) => (
          <ActionItem
            key={command}
            action={command}
            label={label}
            icon={icon}
            project={project}
            allowance={command === 'start' ? start : undefined}
            onClick={() => run(command, project)}
          />
        ))}
        <Menu.Divider />
        {isInTrash(project) && (
          <ActionItem
            action="restore"
            label="Restore"
            icon={IconArrowBackUp}
            project={project}
            onClick={() => run('restore', project)}
          />
        )}
        <ActionItem action="delete" label="Delete…" icon={IconTrash} project={project} onClick={onDelete} />
      </Menu.Dropdown>
    </Menu>
  );
}

interface ActionItemProps {
  action: ProjectAction;
  label: string;
  icon: TablerIcon;
  project: Project;
  /** What the quota says about it. */
  allowance?: ReturnType<typeof useStartAllowance> | undefined;
  onClick: () => void;
}

function ActionItem({ action, label, icon: Icon, project, allowance, onClick }: ActionItemProps) {
  const refusal = refusalOf(action, project) ?? allowance?.refusal ?? null;
  const hint = refusal ?? allowance?.text ?? null;
  // A refused item is not `disabled`: it stays reachable by keyboard, so that users can read the reason.
  return (
    <Tooltip label={hint} disabled={hint === null} position="top-end" multiline maw={320}>
      <Menu.Item
        leftSection={<Icon size={16} stroke={1.6} />}
        {...(action === 'delete' && refusal === null && { c: 'var(--mantine-color-error)' })}
        className={classes.item}
        aria-disabled={refusal !== null}
        aria-description={hint ?? undefined}
        closeMenuOnClick={refusal === null}
        onClick={() => {
          if (refusal === null) onClick();
        }}
      >
        {label}
      </Menu.Item>
    </Tooltip>
  );
}
