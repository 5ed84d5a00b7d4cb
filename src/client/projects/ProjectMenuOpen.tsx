import { Menu, Tooltip } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import {
  IconExternalLink,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRotateClockwise,
  IconTrash,
  type TablerIcon,
} from '@tabler/icons-react';
import { useNavigate } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import type { ProjectAction } from '../../shared/contract/states.ts';
import type { LazyMenuProps } from '../ui/use-lazy-menu.ts';
import { ProjectMenuButton, type ProjectMenuProps } from './ProjectMenuButton.tsx';
import { refusalOf, useProjectActions, type DirectAction } from './use-project-actions.ts';

import classes from './project-menu.module.css';

const directActions: { action: DirectAction; label: string; icon: TablerIcon }[] = [
  { action: 'start', label: 'Start', icon: IconPlayerPlay },
  { action: 'stop', label: 'Stop', icon: IconPlayerStop },
  { action: 'restart', label: 'Restart', icon: IconRotateClockwise },
  { action: 'retry', label: 'Retry', icon: IconRefresh },
];

/** The menu itself, loaded when it is needed. */
export function ProjectMenuOpen(props: ProjectMenuProps & LazyMenuProps) {
  const { project, onDelete, withOpen = false, onRename, opened, onChange } = props;
  const navigate = useNavigate();
  const { run, running } = useProjectActions();
  // Closed in the very first moment: a menu that is born open does not know where to return the focus.
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
        {/* It takes the place of the plain button, and with it the focus to which the menu returns. */}
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the person has just pressed the button that was here */}
        <ProjectMenuButton project={project} loading={running !== null} autoFocus />
      </Menu.Target>
      <Menu.Dropdown>
        {withOpen && (
          <Menu.Item
            leftSection={<IconExternalLink size={16} stroke={1.6} />}
            onClick={() => void navigate(`/projects/${project.id}`)}
          >
            Open
          </Menu.Item>
        )}
        {onRename !== undefined && (
          <ActionItem action="update" label="Rename" icon={IconPencil} project={project} onClick={onRename} />
        )}
        {(withOpen || onRename !== undefined) && <Menu.Divider />}
        {directActions.map(({ action, label, icon }) => (
          <ActionItem
            key={action}
            action={action}
            label={label}
            icon={icon}
            project={project}
            onClick={() => run(action, project)}
          />
        ))}
        <Menu.Divider />
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
  onClick: () => void;
}

function ActionItem({ action, label, icon: Icon, project, onClick }: ActionItemProps) {
  const refusal = refusalOf(action, project);
  // A refused item stays reachable by keyboard, so that its reason can be read.
  return (
    <Tooltip label={refusal} disabled={refusal === null} position="top-end">
      <Menu.Item
        leftSection={<Icon size={16} stroke={1.6} />}
        {...(action === 'delete' && refusal === null && { c: 'var(--mantine-color-error)' })}
        className={classes.item}
        aria-disabled={refusal !== null}
        aria-description={refusal ?? undefined}
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
