/** The composition root of the model broker, and its listener: pods of projects reach it, and browsers do not. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { AppError } from '../../shared/contract/errors.ts';
import { createAccessKeys } from '../../shared/node/access/credentials.ts';
import { createDatabase, type Database } from '../../shared/node/db/database.ts';
import { findModelKey, renewModelKey } from '../../shared/node/db/model-keys-repository.ts';
import { addModelUsage, findRunOfSession, readTokensToday } from '../../shared/node/db/model-usage-repository.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { createKeyEncryption, type KeyEncryption } from '../../shared/node/models/key-encryption.ts';
import { publishModelCatalogue } from '../../shared/node/models/model-catalogue.ts';
import { findModelProject } from '../../shared/node/models/model-project.ts';
import { runPeriodically } from '../../shared/node/periodic.ts';
import type { BrokerConfig } from './broker-config.ts';
import { brokerLimits, type BrokerLimits, type BrokerOutcome } from './broker-rules.ts';
import { createModelBroker, type PersonalKey } from './model-broker.ts';
import { createProviderCalls } from './provider-call.ts';
import { loadProviders, type Providers } from './provider-catalogue.ts';
import { createUsageRecorder, type UsageRecorder } from './usage-recorder.ts';

const reloadIntervalMs = 60_000;
const flushIntervalMs = 5_000;

export interface RunningBroker {
  port: number;
  /** Requests that are answered now. */
  openRequests: () => number;
  /** Takes no more requests, waits up to `graceMs` for those that pass, and writes what they have used. */
  stop(graceMs: number): Promise<void>;
}

/** @throws AppError UNAVAILABLE if the port cannot be used, or a file or a key of the broker is wrong */
export async function startModelBroker(
  config: BrokerConfig,
  options: { log: Log; limits?: Partial<BrokerLimits>; count?: (outcome: BrokerOutcome) => void },
): Promise<RunningBroker> {
  const { log } = options;
  let providers = loadAtStart(config);
  const warn = createLimitedWarn(log);
  const db = createDatabase(config.databaseUrl, { applicationName: 'opencode-models', log });
  const { accessSecret: secret, accessSecretPrevious: previousSecret } = config;
  const keys = createAccessKeys({ secret, previousSecret });
  const encryption = config.keyEncryption === null ? null : createKeyEncryption(config.keyEncryption);
  const calls = createProviderCalls(config.proxy);
  const recorder = createRecorder(db, warn);
  const broker = createModelBroker({
    providers: () => providers,
    findProject: (id) => findModelProject(db, keys, id),
    findPersonalKey: (place) => findPersonalKey(db, encryption, place),
    tokensPerDay: config.tokensPerDay,
    readTokensToday: (userId) => readTokensToday(db, userId),
    findRun: (key) => findRunOfSession(db, key),
    recordUsage: recorder.add,
    calls,
    limits: { ...brokerLimits, ...options.limits },
    count: options.count ?? (() => undefined),
    onFailure: (error) => warn('request', { error: String(error) }, 'a request to a model could not be answered'),
  });
  const server = createServer(broker.handle);
  server.headersTimeout = 10_000;
  server.requestTimeout = 0; // the broker limits the time of a body itself
  try {
    await listen(server, config);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const stopping = new AbortController();
  const { signal } = stopping;
  const repeat = (name: string, intervalMs: number, task: () => Promise<void>) =>
    runPeriodically(
      { task, intervalMs, onError: (error) => warn(name, { error: String(error) }, `${name} failed`) },
      signal,
    );
  const loops = [
    repeat('publishing the model providers', reloadIntervalMs, async () => {
      providers = loadProviders(config.sources);
      await publishModelCatalogue(db, providers.published(config.tokensPerDay));
    }),
    repeat('writing the usage of models', flushIntervalMs, recorder.flush),
  ];
  const { port } = server.address() as AddressInfo; // it listens on TCP
  log.info({ host: config.host, port }, 'the model broker listens');
  return {
    port,
    openRequests: broker.openRequests,
    async stop(graceMs) {
      stopping.abort();
      await closeServer(server, graceMs);
      calls.close();
      await Promise.all(loops);
      await recorder.flush().catch((error: unknown) => log.error({ error: String(error) }, 'usage of models was lost'));
      await db.destroy();
    },
  };
}

function loadAtStart({ sources }: BrokerConfig): Providers {
  try {
    return loadProviders(sources);
  } catch (error) {
    throw new AppError('UNAVAILABLE', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function createRecorder(db: Database, warn: ReturnType<typeof createLimitedWarn>): UsageRecorder {
  return createUsageRecorder({
    write: (entry) => addModelUsage(db, entry),
    onError: (error) => warn('usage', { error: String(error) }, 'usage of models could not be written; trying again'),
    onLost: () => warn('lost', {}, 'usage of models was lost, because too much of it waited for the database'),
  });
}

async function findPersonalKey(
  db: Database,
  encryption: KeyEncryption | null,
  place: { userId: string; provider: string },
): Promise<PersonalKey> {
  const encrypted = await findModelKey(db, place);
  if (encrypted === null) return { kind: 'none' };
  const found = (await encryption?.decrypt(encrypted, place)) ?? null;
  if (encryption === null || found === null) return { kind: 'unreadable' };
  if (found.isOutdated) {
    await renewModelKey(db, place, { known: encrypted, renewed: await encryption.encrypt(found.key, place) });
  }
  return { kind: 'key', key: found.key };
}

async function listen(server: Server, { host, port }: BrokerConfig): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const message = `The model broker cannot listen on ${host}:${port}. Set GATEWAY_BROKER_PORT or HOST to another one.`;
    throw new AppError('UNAVAILABLE', message, { cause: error });
  }
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
