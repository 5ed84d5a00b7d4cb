/** The containers of the pod: their states, restarts and last exits. */

import { Link } from 'react-router';

import type { ContainerSummary, Project } from '../../shared/contract/project.ts';
import { count } from '../ui/format.ts';
import { Panel } from '../ui/Panel.tsx';
import { containerPurpose, containerState } from './container-labels.ts';
import { asLogContainer, logPath } from './log-containers.ts';

import classes from './container-list.module.css';

export function ContainerList({ project }: { project: Project }) {
  return (
    <Panel title="Containers">
      {project.containers.length === 0 ? (
        <p className={classes.none}>{noPodMessage(project)}</p>
      ) : (
        <ul className={classes.list}>
          {project.containers.map((container) => (
            <ContainerRow key={container.name} projectId={project.id} container={container} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function ContainerRow({ projectId, container }: { projectId: string; container: ContainerSummary }) {
  const { label, tone } = containerState(container);
  const purpose = containerPurpose(container.name);
  const withLog = asLogContainer(container.name);
  return (
    <li className={classes.row}>
      <div className={classes.who}>
        <span className={classes.name}>{container.name}</span>
        {purpose !== null && <span className={classes.purpose}>{purpose}</span>}
      </div>
      <div className={classes.what}>
        <span className={classes.state} data-tone={tone}>
          <span className={classes.dot} aria-hidden="true" />
          {label}
        </span>
        <span className={classes.history}>
          {container.restarts === 0 ? 'No restarts' : count(container.restarts, 'restart')}
          {container.lastExit !== null && `; last time it ${container.lastExit}`}
        </span>
      </div>
      {withLog !== null && (
        <Link className={classes.logs} to={logPath(projectId, withLog)} aria-label={`Logs of ${container.name}`}>
          Logs
        </Link>
      )}
    </li>
  );
}

function noPodMessage({ status, trashedAt }: Project): string {
  if (status === 'stopped' && trashedAt !== null) return 'There is no pod while the project is in the trash.';
  switch (status) {
    case 'stopped':
      return 'There is no pod while the project is stopped. Start the project to create one.';
    case 'archived':
    case 'deleting':
      return 'The pod has been deleted.';
    default:
      return 'There is no pod yet.';
  }
}
