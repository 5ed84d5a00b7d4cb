/** Sets the title of the browser window. While an agent has waited too long for an answer, it says so. */

import { useOverdueProjects } from '../projects/use-overdue-projects.ts';

export function PageTitle({ children }: { children: string }) {
  const overdue = useOverdueProjects();
  return <title>{`${overdue > 0 ? `(${overdue}) Waits for you · ` : ''}${children} · OpenCode Project Manager`}</title>;
}
