import { ActionIcon, type ActionIconProps } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import type { ComponentPropsWithRef } from 'react';

import type { Project } from '../../shared/contract/project.ts';

export interface ProjectMenuProps {
  project: Project;
  onDelete: () => void;
  /** Where the page of the project is not shown already. */
  withOpen?: boolean;
  onRename?: () => void;
}

type ProjectMenuButtonProps = { project: Project } & ActionIconProps & ComponentPropsWithRef<'button'>;

/** Opens the menu; the same before and after the menu itself is loaded. */
export function ProjectMenuButton({ project, ...props }: ProjectMenuButtonProps) {
  return (
    <ActionIcon variant="subtle" color="gray" size={30} aria-label={`Actions for ${project.name}`} {...props}>
      <IconDots size={18} stroke={1.6} color="var(--mantine-color-dimmed)" />
    </ActionIcon>
  );
}
