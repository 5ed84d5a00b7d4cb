/** Sends commands for projects. Buttons, menus and the palette use it. */

import { useMutation } from '@tanstack/react-query';
import { createElement } from 'react';

import { pendingFields, type ProjectCommand } from '../../shared/contract/commands.ts';
import type { Project } from '../../shared/contract/project.ts';
import { roleRefusal, type Right } from '../../shared/contract/roles.ts';
import { projectCan, type ProjectAction } from '../../shared/contract/states.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { notifyDone, notifyFailure, notifyWithAction } from '../ui/notify.ts';

/** The commands that need no confirmation. */
export type DirectCommand = Exclude<ProjectCommand, 'delete' | 'trash'>;

const failureTitles = {
  start: 'could not be started',
  stop: 'could not be stopped',
  restart: 'could not be restarted',
  retry: 'could not be retried',
  trash: 'could not be moved to the trash',
  restore: 'could not be restored',
  delete: 'could not be deleted',
} satisfies Record<ProjectCommand, string>;

/**
 * Runs commands. The expected result is shown at once (an optimistic update). The answer replaces it; a failure reverts it
 * and shows a notification.
 */
export function useProjectActions() {
  const { client } = trpc.useUtils();
  const { clock, projectCache } = useApp();
  const mutation = useMutation({
    mutationFn: ({ project, command }: { project: Project; command: ProjectCommand }) =>
      client.projects[command].mutate({ id: project.id }),
    onMutate: ({ project, command }) => {
      const expected = pendingFields(command, project, new Date(clock.now()).toISOString());
      return { settle: projectCache.expect(project, expected) };
    },
    onSuccess: (answer, { project, command }) => {
      projectCache.writeAnswer(answer);
      if (command === 'delete') notifyDone(`“${project.name}” is being deleted.`);
      if (command === 'trash') notifyDone(`“${project.name}” is in the trash. You can restore it.`);
      if (command === 'restore') void notifyRestored(answer);
    },
    onError: (error, { project, command }) => notifyFailure(`“${project.name}” ${failureTitles[command]}`, error),
    onSettled: (_answer, _error, _input, context) => context?.settle(),
  });
  return {
    run: (command: ProjectCommand, project: Project) => {
      if (!mutation.isPending) mutation.mutate({ command, project });
    },
    /** The command that waits for its answer, or `null`. */
    running: mutation.isPending ? mutation.variables.command : null,
  };
}

async function notifyRestored(project: Project): Promise<void> {
  const { RestoredMessage } = await import('./RestoredMessage.tsx');
  notifyWithAction(createElement(RestoredMessage, { project }));
}

const rightsOfActions = {
  update: 'edit',
  start: 'command',
  stop: 'command',
  restart: 'command',
  retry: 'command',
  trash: 'delete',
  restore: 'delete',
  delete: 'delete',
} satisfies Record<ProjectAction, Right>;

/** Returns the reason why the action is not possible for this person or in the current state, or `null` when it is possible. */
export function refusalOf(action: ProjectAction, project: Project): string | null {
  const ofRole = roleRefusal(project.role, rightsOfActions[action]);
  if (ofRole !== null) return ofRole;
  const permission = projectCan(action, project);
  return permission.kind === 'yes' ? null : permission.message;
}
