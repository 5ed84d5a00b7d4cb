/** Changes the fields of a project: shown at once (an optimistic update), and reverted when the server refuses it. */

import { useMutation } from '@tanstack/react-query';

import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';

type ProjectChange = Partial<Pick<Project, 'name' | 'description' | 'repoUrl' | 'aiReview' | 'idleStop' | 'size'>>;

/** @param onRefused shows the refusal */
export function useProjectUpdate({ onRefused }: { onRefused: (error: unknown) => void }) {
  const { client } = trpc.useUtils();
  const { projectCache } = useApp();
  return useMutation({
    mutationFn: ({ project, change }: { project: Project; change: ProjectChange }) =>
      client.projects.update.mutate({ id: project.id, ...change }),
    onMutate: ({ project, change }) => ({ settle: projectCache.expect(project, change) }),
    onSuccess: (answer) => projectCache.writeAnswer(answer),
    onError: onRefused,
    onSettled: (_answer, _error, _input, context) => context?.settle(),
  });
}
