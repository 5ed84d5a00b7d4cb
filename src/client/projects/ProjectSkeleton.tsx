/** The placeholder for a project's page while it is loading. */

import { Skeleton } from '@mantine/core';

import classes from './project-overview.module.css';

export function ProjectSkeleton() {
  return (
    <output aria-label="Loading the project" aria-busy="true" className={classes.skeleton}>
      <Skeleton height={13} width={160} mb={18} />
      <Skeleton height={26} width={260} mb={24} />
      <Skeleton height={50} mb={64} radius="lg" />
      <div className={classes.root}>
        <Skeleton height={230} radius="lg" />
        <Skeleton height={360} radius="lg" />
      </div>
    </output>
  );
}
