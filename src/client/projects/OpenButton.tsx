/** The link that opens a project's workspace in a tab of its own. It is prominent while the project is ready. Show it only if `canOpen`. */

import { Button } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { openPath } from './open-project.ts';

export function OpenButton({ project, size = 'xs' }: { project: Project; size?: 'xs' | 'compact-xs' }) {
  return (
    <Button
      component="a"
      href={openPath(project.id)}
      target="_blank"
      rel="noopener"
      size={size}
      variant={project.status === 'ready' ? 'filled' : 'default'}
      rightSection={<IconExternalLink size={14} stroke={1.8} aria-hidden="true" />}
      aria-label={`Open ${project.name} in a new tab`}
    >
      Open
    </Button>
  );
}
