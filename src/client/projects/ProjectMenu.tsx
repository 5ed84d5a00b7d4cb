import { ActionIcon, type ActionIconProps } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { Suspense, type ComponentPropsWithRef } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { useLazyMenu } from '../ui/use-lazy-menu.ts';

const load = () => import('./ProjectMenuOpen.tsx');
const ProjectMenuOpen = lazyPart(async () => (await load()).ProjectMenuOpen);

export interface ProjectMenuProps {
  project: Project;
  onDelete: () => void;
  /** Where the page of the project is not shown already. */
  withOpen?: boolean;
  onEdit?: () => void;
}

/** Everything that can be done with a project; what cannot be done now says why. */
export function ProjectMenu(props: ProjectMenuProps) {
  const { needed, menu, trigger } = useLazyMenu(load);
  const plain = <ProjectMenuButton project={props.project} {...trigger} />;
  if (!needed) return plain;
  return (
    <Suspense fallback={plain}>
      <ProjectMenuOpen {...props} {...menu} />
    </Suspense>
  );
}

type ProjectMenuButtonProps = { project: Project } & ActionIconProps & ComponentPropsWithRef<'button'>;

export function ProjectMenuButton({ project, ...props }: ProjectMenuButtonProps) {
  return (
    <ActionIcon variant="subtle" color="gray" size={30} aria-label={`Actions for ${project.name}`} {...props}>
      <IconDots size={18} stroke={1.6} color="var(--mantine-color-dimmed)" />
    </ActionIcon>
  );
}
