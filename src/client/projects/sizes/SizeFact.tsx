/** The size of a project, and of its volume, among its details. Nothing where the installation has no sizes. */

import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { offerOf } from '../../../shared/contract/allowance-text.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { roleMay } from '../../../shared/contract/roles.ts';
import { bytesText, wholeBytesOf } from '../../../shared/quantity.ts';
import { trpc } from '../../api/trpc.ts';

interface SizeFactProps {
  project: Project;
  /** Renders a row of the details. */
  renderFact: (label: string, value: ReactNode) => ReactNode;
}

export function SizeFact({ project, renderFact }: SizeFactProps) {
  const { data: quota } = trpc.projects.quota.useQuery({}, { staleTime: 0 });
  const offer = quota && offerOf(quota, project.size);
  if (!offer) return null;
  const storage = project.storage === null ? offer.storage : wholeBytesOf(project.storage);
  const isGone = project.size !== null && project.size !== offer.name;
  const text = isGone
    ? `${offer.label}: ${project.size} is gone`
    : `${offer.label}: ${offer.cpu} CPU, ${bytesText(offer.memory)}`;
  const size = roleMay(project.role, 'size') ? (
    <Anchor component={Link} to={`/projects/${project.id}/config`}>
      {text}
    </Anchor>
  ) : (
    text
  );
  return (
    <>
      {renderFact('Size', size)}
      {renderFact('Storage', bytesText(storage))}
    </>
  );
}
