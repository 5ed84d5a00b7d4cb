/** The containers of a project whose logs the page offers. Pure. */

import { logContainerSchema, type LogContainer } from '../../shared/contract/pod-logs.ts';
import type { Project } from '../../shared/contract/project.ts';

/** `null` for a container that the cluster has injected: its log cannot be read here. */
export function asLogContainer(name: string): LogContainer | null {
  return logContainerSchema.safeParse(name).data ?? null;
}

/** The containers in the order of the pod, then the init container. They are the same while there is no pod. */
export function logContainersOf({ repoUrl }: Pick<Project, 'repoUrl'>): LogContainer[] {
  const init = repoUrl === null ? 'prepare-workspace' : 'clone-repository';
  return ['opencode-server', 'file-browser', 'session-proxy', init];
}

/** Whether Kubernetes may have the log of an earlier run. */
export function hasPreviousRun({ containers }: Pick<Project, 'containers'>, container: LogContainer): boolean {
  return containers.some(({ name, restarts }) => name === container && restarts > 0);
}

/** The address of a container's log. */
export function logPath(projectId: string, container: LogContainer): string {
  return `/projects/${projectId}/logs?container=${container}`;
}
