/** The details of a project: repository, ids, names in the cluster and times. */

import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { idleStopLabel } from '../../shared/contract/idle-stop.ts';
import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { CopyIcon } from '../ui/CopyIcon.tsx';
import { browsableRepository, shortRepository } from '../ui/format.ts';
import { Panel } from '../ui/Panel.tsx';
import { Time } from '../ui/Time.tsx';
import { EditableField } from './EditableField.tsx';
import { SizeFact } from './sizes/SizeFact.tsx';

import classes from './project-facts.module.css';

export function ProjectFacts({ project }: { project: Project }) {
  return (
    <Panel title="Details">
      <dl className={classes.list}>
        <div className={classes.row}>
          <dt>Repository</dt>
          <dd>
            <EditableField
              project={project}
              field="repoUrl"
              label="Repository URL"
              placeholder="https://github.com/owner/repository"
            >
              <span className={classes.value}>
                {project.repoUrl === null ? <None /> : <Repository repoUrl={project.repoUrl} />}
              </span>
              {project.repoUrl !== null && <CopyIcon value={project.repoUrl} what="the repository" />}
            </EditableField>
          </dd>
        </div>
        <Fact label="Project id" copy={project.id} code>
          {project.id}
        </Fact>
        <Fact label="Pod" copy={project.podName} code>
          {project.podName}
        </Fact>
        <Fact label="Namespace" copy={project.namespace} code>
          {project.namespace}
        </Fact>
        <Fact label="Volume claim" copy={project.workspacePvcName} code>
          {project.workspacePvcName}
        </Fact>
        <SizeFact project={project} renderFact={(label, value) => <Fact label={label}>{value}</Fact>} />
        <Fact label="Idle stop">
          {roleMay(project.role, 'edit') ? (
            <Anchor component={Link} to={`/projects/${project.id}/config`}>
              {describeIdleStop(project)}
            </Anchor>
          ) : (
            describeIdleStop(project)
          )}
        </Fact>
        <Fact label="Created">
          <Time iso={project.createdAt} />
        </Fact>
        <Fact label="Changed">
          <Time iso={project.updatedAt} />
        </Fact>
        <Fact label="Pod created">
          {project.podCreatedAt === null ? <None /> : <Time iso={project.podCreatedAt} />}
        </Fact>
        {project.deletedAt !== null && (
          <Fact label="Deleted">
            <Time iso={project.deletedAt} />
          </Fact>
        )}
        <Fact label="Generation">{describeGeneration(project)}</Fact>
      </dl>
    </Panel>
  );
}

interface FactProps {
  label: string;
  children: ReactNode;
  /** The value that the copy button copies. Without it there is no button. */
  copy?: string | null;
  code?: boolean;
}

function Fact({ label, children, copy, code }: FactProps) {
  return (
    <div className={classes.row}>
      <dt>{label}</dt>
      <dd>
        <span className={classes.value} data-code={code}>
          {children}
        </span>
        {copy != null && copy !== '' && <CopyIcon value={copy} what={`the ${label.toLowerCase()}`} />}
      </dd>
    </div>
  );
}

function Repository({ repoUrl }: { repoUrl: string }) {
  const href = browsableRepository(repoUrl);
  if (href === null) return <>{shortRepository(repoUrl)}</>;
  return (
    <Anchor href={href} target="_blank" rel="noreferrer">
      {shortRepository(repoUrl)}
    </Anchor>
  );
}

function None() {
  return <span className={classes.none}>None</span>;
}

function describeIdleStop({ idleStop }: Project): string {
  if (idleStop === 'default') return 'Default';
  return idleStop === 'never' ? 'Never' : `After ${idleStopLabel(idleStop)}`;
}

function describeGeneration({ generation, observedGeneration }: Project): string {
  return generation === observedGeneration
    ? `${generation}`
    : `${generation} (the cluster is at ${observedGeneration})`;
}
