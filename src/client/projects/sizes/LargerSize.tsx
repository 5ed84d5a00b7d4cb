/** For a project that ran out of memory: the next size with more of it, if there is one. */

import { Anchor } from '@mantine/core';
import { Link } from 'react-router';

import { offerOf } from '../../../shared/contract/allowance-text.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { bytesText } from '../../../shared/quantity.ts';
import { trpc } from '../../api/trpc.ts';

export function LargerSize({ project, className }: { project: Project; className: string | undefined }) {
  const { data: quota } = trpc.projects.quota.useQuery({}, { staleTime: 0 });
  const memory = (quota && offerOf(quota, project.size)?.memory) ?? Infinity;
  const [larger] = (quota?.sizes ?? [])
    .filter((size) => size.memory > memory)
    .toSorted((one, other) => one.memory - other.memory);
  if (larger === undefined) return null;
  return (
    <p className={className}>
      The size {larger.label} has {bytesText(larger.memory)} of memory.{' '}
      <Anchor component={Link} inherit to={`/projects/${project.id}/config`}>
        Choose a size
      </Anchor>
      , and restart.
    </p>
  );
}
