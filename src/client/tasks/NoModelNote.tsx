/** Says that no agent can work, because no model provider has a key, and leads to the page where a key is entered. */

import { Anchor } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { Link } from 'react-router';

import type { ModelProviders } from '../../shared/contract/models.ts';
import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { isUsable } from '../settings/is-usable-provider.ts';

import classes from './no-model-note.module.css';

export function NoModelNote({ project }: { project: Pick<Project, 'role'> }) {
  // Agents use the keys of the owner, and nobody else knows them.
  const isOwner = project.role === 'owner';
  const { data: models } = trpc.models.providers.useQuery(undefined, { staleTime: 0, enabled: isOwner });
  if (!isOwner || models === undefined || models.providers.some(isUsable)) return null;
  return (
    <p className={classes.root}>
      <IconKey size={16} stroke={1.7} aria-hidden="true" />
      <span>
        {textOf(models)} See{' '}
        <Anchor component={Link} inherit to="/settings/models">
          Settings → Models
        </Anchor>
        .
      </span>
    </p>
  );
}

/** Nobody knows here whether the configuration of the project has a provider with a key of its own. */
function textOf({ providers, ownKeysProblem }: ModelProviders): string {
  const exception = 'Agents can work only if the configuration of this project has a model of its own.';
  if (providers.length === 0) return `This installation offers no model provider. ${exception}`;
  const toDo = ownKeysProblem === null ? 'Add a key of your own.' : 'An administrator has to add one.';
  return `No model provider has a key. ${exception} ${toDo}`;
}
