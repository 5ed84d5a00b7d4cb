/** After the change of a run: tells all servers which tasks, and which project, have changed. */

import { toPublished } from './db/project-record.ts';
import type { RunChange } from './db/runs-repository.ts';
import type { StatusPublisher } from './status-stream.ts';

/** Never fails: what the stream loses is found by comparison. */
export async function publishRun(publisher: StatusPublisher, { record, changed, project }: RunChange): Promise<void> {
  if (!changed) return;
  await Promise.all([
    publisher.publish({ type: 'tasks', projectId: record.projectId }),
    project && publisher.publish({ type: 'project', project: toPublished(project) }),
  ]);
}
