/** The button that opens the menu of a project. The menu itself, `ProjectMenuContent.tsx`, is loaded on demand. */

import { ActionIcon } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { Suspense } from 'react';

import { lazyPart } from '../ui/lazy-part.ts';
import { useLazyMenu } from '../ui/use-lazy-menu.ts';
import type { ProjectMenuProps, RenderMenuButton } from './ProjectMenuContent.tsx';

const ProjectMenuContent = lazyPart(async () => (await import('./ProjectMenuContent.tsx')).ProjectMenuContent);

export function ProjectMenu(props: ProjectMenuProps) {
  const { isNeeded, buttonProps, menuProps } = useLazyMenu(ProjectMenuContent.preload);
  const renderButton: RenderMenuButton = (extraProps) => (
    <ActionIcon
      variant="subtle"
      color="gray"
      size={30}
      aria-label={`Actions for ${props.project.name}`}
      {...extraProps}
    >
      <IconDots size={18} stroke={1.6} color="var(--mantine-color-dimmed)" />
    </ActionIcon>
  );
  const button = renderButton(buttonProps);
  if (!isNeeded) return button;
  return (
    <Suspense fallback={button}>
      <ProjectMenuContent {...props} {...menuProps} renderButton={renderButton} />
    </Suspense>
  );
}
