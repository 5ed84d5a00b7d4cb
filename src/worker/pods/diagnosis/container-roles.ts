/** Whose container it is: the program of the owner, a part of this application, or one that another program has added. */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import { cloneContainer } from './clone-failure.ts';

export type ContainerRole = 'workspace' | 'ours' | 'foreign';

/** The names in `manifests.ts`. OpenCode runs what the owner does; the other containers belong to this application. */
const roles: Record<string, ContainerRole> = {
  'opencode-server': 'workspace',
  'file-browser': 'ours',
  'session-proxy': 'ours',
  [cloneContainer]: 'ours',
  'prepare-workspace': 'ours',
};

/** Service meshes, agents and policies add containers of their own. */
export const roleOf = (container: string): ContainerRole => roles[container] ?? 'foreign';

/** Whether the size of the project sets its limits. */
export const hasLimitsOfSize = (container: string): boolean =>
  ['opencode-server', 'prepare-workspace', cloneContainer].includes(container);

/** Who can help when the container does not do what it should. */
export function helperFor(container: string): Actor {
  return roleOf(container) === 'workspace' ? 'owner' : 'administrator';
}

/** For a message: 'The container "istio-proxy", which another program added,'. */
export function nameContainer(container: string): string {
  return roleOf(container) === 'foreign'
    ? `The container ${container}, which another program has added to the pod,`
    : `The container ${container}`;
}
