/** The size of a project among its details. Nothing where the installation has no sizes. */

import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { offerOf } from '../../../shared/contract/allowance-text.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { bytesText, wholeBytesOf } from '../../../shared/quantity.ts';
import { trpc } from '../../api/trpc.ts';

interface SizeFactProps {
  project: Project;
  /** Renders the row. */
  children: (value: ReactNode) => ReactNode;
}

export function SizeFact({ project, children }: SizeFactProps) {
  const { data: quota } = trpc.projects.quota.useQuery({}, { staleTime: 0 });
  const offer = quota && offerOf(quota, project.size);
  if (!offer) return null;
  const storage = project.storage === null ? offer.storage : wholeBytesOf(project.storage);
  const text = `${offer.label}: ${offer.cpu} CPU, ${bytesText(offer.memory)} memory, ${bytesText(storage)} storage`;
  const isGone = project.size !== null && project.size !== offer.name;
  return children(
    <>
      <Anchor component={Link} to={`/projects/${project.id}/config`}>
        {text}
      </Anchor>
      {isGone && ` (the size ${project.size} is no longer offered)`}
    </>,
  );
}
