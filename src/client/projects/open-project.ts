/** Opens a project's workspace in a tab of its own. */

import type { Project } from '../../shared/contract/project.ts';

/** Whether there is, or can be, something to open: not in the trash, and not while it is being deleted. */
export const canOpen = ({ desiredState, trashedAt }: Pick<Project, 'desiredState' | 'trashedAt'>): boolean =>
  desiredState !== 'deleted' && trashedAt === null;

/** The address that leads into the workspace. It works as a link and as a bookmark, and it survives a sign-in. */
export const openPath = (projectId: string) => `/projects/${projectId}/open`;

/** For keys and menus. Links use {@link openPath}. */
export function openInNewTab(projectId: string): void {
  window.open(openPath(projectId), '_blank', 'noopener');
}
