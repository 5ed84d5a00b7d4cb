import { useMutation } from '@tanstack/react-query';

import type { Project } from '../../shared/contract/project.ts';
import { projectCan, type ProjectAction } from '../../shared/contract/states.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { notifyFailure } from '../ui/notify.ts';

/** The actions that need no dialog: one click does them. */
export type DirectAction = Exclude<ProjectAction, 'update' | 'delete'>;

const failureTitles = {
  start: 'could not be started',
  stop: 'could not be stopped',
  restart: 'could not be restarted',
  retry: 'could not be retried',
} satisfies Record<DirectAction, string>;

/** Runs actions on one project. The answer goes into the query cache; a failure is said in the corner. */
export function useProjectActions(project: Project) {
  const { client } = trpc.useUtils();
  const { projectCache } = useApp();
  const mutation = useMutation({
    mutationFn: (action: DirectAction) => client.projects[action].mutate({ id: project.id }),
    onSuccess: (answer) => projectCache.writeAnswer(answer),
    onError: (error, action) => notifyFailure(`“${project.name}” ${failureTitles[action]}`, error),
  });
  return {
    run: (action: DirectAction) => {
      if (!mutation.isPending) mutation.mutate(action);
    },
    /** The action under way, if any. */
    running: mutation.isPending ? mutation.variables : null,
  };
}

/** Why an action makes no sense now, in one sentence; `null` when it may be done. */
export function refusalOf(action: ProjectAction, project: Project): string | null {
  const permission = projectCan(action, project);
  return permission.kind === 'yes' ? null : permission.sentence;
}
