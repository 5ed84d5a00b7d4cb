/** The page with the model providers, and the user's own keys for them. */

import { Alert, Button, Group, Skeleton, Text, Title } from '@mantine/core';
import { IconInfoCircle, IconSparkles } from '@tabler/icons-react';
import { Suspense, useState } from 'react';

import type { ModelProvider, ModelProviders } from '../../shared/contract/models.ts';
import { trpc } from '../api/trpc.ts';
import { formatDate } from '../ui/format.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';
import { formatTokens } from './format-usage.ts';
import { isUsable } from './is-usable-provider.ts';
import { RemoveKeyDialog } from './RemoveKeyDialog.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

const ModelKeyDialog = lazyPart(async () => (await import('./ModelKeyDialog.tsx')).ModelKeyDialog);

export function ModelsPage() {
  const models = trpc.models.providers.useQuery();
  // Each opening mounts a new dialog, so that a key that was typed before is gone.
  const [entering, setEntering] = useState<{ number: number; provider: ModelProvider | null }>({
    number: 0,
    provider: null,
  });
  const [removing, setRemoving] = useState<ModelProvider | null>(null);
  const enter = (provider: ModelProvider): void => setEntering(({ number }) => ({ number: number + 1, provider }));
  return (
    <div className={classes.root}>
      <PageTitle>Models</PageTitle>
      <SettingsNav />
      <Title order={1}>Models</Title>
      <Text c="dimmed" mt={4}>
        OpenCode in your projects can use each provider that has a key. Keys never enter a project: the gateway adds
        them to each request.
      </Text>
      {models.isPending && <Skeleton height={120} mt="lg" radius="lg" />}
      {models.isError && (
        <LoadFailure
          what="The model providers"
          error={models.error}
          retrying={models.isFetching}
          onRetry={() => void models.refetch()}
        />
      )}
      {models.data !== undefined && <Notes models={models.data} />}
      {models.data !== undefined && models.data.providers.length > 0 && !models.data.providers.some(isUsable) && (
        <Text mt="lg" size="sm">
          No provider has a key yet, so agents get no model from here.{' '}
          {models.data.ownKeysProblem === null
            ? 'Add a key. A project that runs offers the models after its next start.'
            : 'An administrator has to add a key.'}
        </Text>
      )}
      {models.data?.providers.length === 0 && (
        <Message icon={<IconSparkles size={22} stroke={1.6} />} title="No model providers">
          The model broker of this installation has not started yet. An administrator has to start the gateway.
        </Message>
      )}
      {models.data !== undefined && models.data.providers.length > 0 && (
        <ul className={classes.list} aria-label="Model providers">
          {models.data.providers.map((provider) => (
            <ProviderRow
              key={provider.id}
              provider={provider}
              canStoreKeys={models.data.ownKeysProblem === null}
              onEnter={() => enter(provider)}
              onRemove={() => setRemoving(provider)}
            />
          ))}
        </ul>
      )}
      <Suspense>
        {entering.number > 0 && entering.provider !== null && (
          <ModelKeyDialog
            key={entering.number}
            provider={entering.provider}
            onClose={() => setEntering(({ number }) => ({ number, provider: null }))}
          />
        )}
      </Suspense>
      <RemoveKeyDialog provider={removing} onClose={() => setRemoving(null)} />
    </div>
  );
}

/** Why keys cannot be stored, and what is left of today's tokens. */
function Notes({ models }: { models: ModelProviders }) {
  const { ownKeysProblem, tokensPerDay, tokensToday } = models;
  return (
    <>
      {ownKeysProblem !== null && (
        <Alert mt="lg" variant="light" color="gray" icon={<IconInfoCircle size={18} />}>
          {ownKeysProblem}
        </Alert>
      )}
      {tokensPerDay !== null && (
        <Text mt="lg" size="sm">
          With keys of the installation you have used {formatTokens(tokensToday)} of {formatTokens(tokensPerDay)} tokens
          today (UTC). A key of your own has no limit here.
        </Text>
      )}
    </>
  );
}

interface ProviderRowProps {
  provider: ModelProvider;
  canStoreKeys: boolean;
  onEnter: () => void;
  onRemove: () => void;
}

function ProviderRow({ provider, canStoreKeys, onEnter, onRemove }: ProviderRowProps) {
  const { name, ownKey } = provider;
  return (
    <li className={classes.row}>
      <div className={classes.text}>
        <span className={classes.name}>{name}</span>
        <span className={classes.facts}>
          <KeyFacts provider={provider} />
        </span>
      </div>
      <Group gap="xs" wrap="nowrap" flex="none">
        {canStoreKeys && (
          <Button variant="default" size="xs" onClick={onEnter} aria-label={`${labelOf(provider)} for ${name}`}>
            {labelOf(provider)}
          </Button>
        )}
        {ownKey !== null && (
          <Button variant="default" size="xs" onClick={onRemove} aria-label={`Remove the key for ${name}`}>
            Remove
          </Button>
        )}
      </Group>
    </li>
  );
}

const labelOf = ({ ownKey }: ModelProvider): string => (ownKey === null ? 'Add key' : 'Replace key');

function KeyFacts({ provider: { ownKey, hasInstallationKey } }: { provider: ModelProvider }) {
  if (ownKey === null) return <span>{hasInstallationKey ? 'Key of the installation' : 'No key'}</span>;
  if (!ownKey.isReadable) return <span>Your key can no longer be read. Enter it again.</span>;
  return (
    <>
      <span>
        Your key ending in <code>{ownKey.lastFour}</code>
      </span>
      <span>Added {formatDate(ownKey.createdAt)}</span>
    </>
  );
}
