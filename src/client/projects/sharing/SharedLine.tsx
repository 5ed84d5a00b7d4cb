/** Says who shares a project, and as what. Nothing on the own projects. */

import { IconUsers } from '@tabler/icons-react';

import type { Project } from '../../../shared/contract/project.ts';

import classes from './sharing.module.css';

export function SharedLine({ project: { sharedBy, role } }: { project: Project }) {
  if (sharedBy === null) return null;
  return (
    <p className={classes.line}>
      <IconUsers size={14} stroke={1.7} aria-hidden="true" />
      <span>
        Shared with you by {sharedBy} · {role}
      </span>
    </p>
  );
}
