import { useMutation } from '@tanstack/react-query';

import { pendingFields, type ProjectCommand } from '../../shared/contract/commands.ts';
import type { Project } from '../../shared/contract/project.ts';
import { projectCan, type ProjectAction } from '../../shared/contract/states.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { notifyDone, notifyFailure } from '../ui/notify.ts';

/** The actions that need no dialog: one click does them. */
export type DirectAction = Exclude<ProjectCommand, 'delete'>;

const failureTitles = {
  start: 'could not be started',
  stop: 'could not be stopped',
  restart: 'could not be restarted',
  retry: 'could not be retried',
  delete: 'could not be deleted',
} satisfies Record<ProjectCommand, string>;

/**
 * Runs actions on projects. What an action is expected to bring shows at once; the answer takes its place, and a failure
 * takes it back and says why in the corner.
 */
export function useProjectActions() {
  const { client } = trpc.useUtils();
  const { projectCache } = useApp();
  const mutation = useMutation({
    mutationFn: ({ project, action }: { project: Project; action: ProjectCommand }) =>
      client.projects[action].mutate({ id: project.id }),
    onMutate: ({ project, action }) => ({
      settle: projectCache.expect(project, pendingFields(action, project.desiredState, new Date().toISOString())),
    }),
    onSuccess: (answer, { project, action }) => {
      projectCache.writeAnswer(answer);
      if (action === 'delete') notifyDone(`“${project.name}” is being deleted.`);
    },
    onError: (error, { project, action }) => notifyFailure(`“${project.name}” ${failureTitles[action]}`, error),
    onSettled: (_answer, _error, _input, context) => context?.settle(),
  });
  return {
    run: (action: ProjectCommand, project: Project) => {
      if (!mutation.isPending) mutation.mutate({ action, project });
    },
    /** The action under way, if any. */
    running: mutation.isPending ? mutation.variables.action : null,
  };
}

/** Why an action makes no sense now, in one sentence; `null` when it may be done. */
export function refusalOf(action: ProjectAction, project: Project): string | null {
  const permission = projectCan(action, project);
  return permission.kind === 'yes' ? null : permission.message;
}
