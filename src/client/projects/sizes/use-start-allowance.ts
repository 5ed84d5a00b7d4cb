/** Whether a stopped project may start within the quota of its owner: what the start would answer, before it is sent. */

import { allowanceText, offerOf } from '../../../shared/contract/allowance-text.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { trpc } from '../../api/trpc.ts';
import { refusalOf } from '../use-project-actions.ts';

interface StartAllowance {
  /** Why it may not start, and what to stop. */
  refusal: string | null;
  /** The refusal, or how many more may start. `null`: there is no limit, or it is not known yet. */
  text: string | null;
}

/** The query is read again with each change of a project (`api/project-cache.ts`), so every window follows. */
export function useStartAllowance(project: Project): StartAllowance {
  // A project that is to run counts already. One of somebody else counts for that person, and only the server knows that quota.
  const mayStart =
    project.role === 'owner' && project.desiredState === 'stopped' && refusalOf('start', project) === null;
  const { data: quota } = trpc.projects.quota.useQuery({}, { enabled: mayStart, staleTime: 0 });
  if (!mayStart || quota === undefined) return { refusal: null, text: null };
  const offer = offerOf(quota, project.size);
  const { start } = offer ?? quota.default;
  return { refusal: start.refusal, text: allowanceText(start, offer?.label ?? null) };
}
