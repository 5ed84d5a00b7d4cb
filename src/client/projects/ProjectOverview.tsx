/** The overview tab of a project: containers, activity and details. */

import type { Project } from '../../shared/contract/project.ts';
import { ActivityTimeline } from './ActivityTimeline.tsx';
import { ContainerList } from './ContainerList.tsx';
import { ProjectFacts } from './ProjectFacts.tsx';

import classes from './project-overview.module.css';

export function ProjectOverview({ project }: { project: Project }) {
  return (
    <div className={classes.root}>
      <div className={classes.column}>
        <ContainerList project={project} />
        <ActivityTimeline projectId={project.id} />
      </div>
      <div className={classes.column}>
        <ProjectFacts project={project} />
      </div>
    </div>
  );
}
