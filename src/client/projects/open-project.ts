/** Opens a project's workspace in a tab of its own. */

import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';

/** Whether this person may open it, and there is, or can be, something to open: not in the trash, and not while it is being deleted. */
export const canOpen = ({
  desiredState,
  trashedAt,
  role,
}: Pick<Project, 'desiredState' | 'trashedAt' | 'role'>): boolean =>
  desiredState !== 'deleted' && trashedAt === null && roleMay(role, 'open');

/** The address that leads into the workspace. It works as a link and as a bookmark, and it survives a sign-in. */
export const openPath = (projectId: string) => `/projects/${projectId}/open`;

/** For keys and menus. Links use {@link openPath}. */
export function openInNewTab(projectId: string): void {
  window.open(openPath(projectId), '_blank', 'noopener');
}
