/**
 * The model broker: takes requests of project pods to model providers, and replaces the credential of the project by a real key. So no
 * key is ever in a pod. It streams answers back, reads from them how many tokens they took, and enforces the limit of each person. The
 * addresses of providers come from the configuration alone.
 *
 * A request takes this way: path → project and its credential → provider → key → limit → body → provider → answer.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { KeyOwner } from '../../shared/node/db/model-usage-repository.ts';
import type { ModelProject } from '../../shared/node/models/model-project.ts';
import { Refusal, type BrokerLimits, type BrokerOutcome } from './broker-rules.ts';
import { errorBody, isOffered, parseModelBody, parseModelPath, type Endpoint } from './model-request.ts';
import { passOn, type Admitted, type PassOnDeps } from './pass-on.ts';
import type { BrokerProvider, Providers } from './provider-catalogue.ts';

/** The header by which the session proxy of a pod names its project. */
const projectHeader = 'x-opencode-project';

export type PersonalKey = { kind: 'none' } | { kind: 'unreadable' } | { kind: 'key'; key: string };

export interface ModelBrokerDeps extends PassOnDeps {
  providers: () => Providers;
  findProject(id: string): Promise<ModelProject | null>;
  findPersonalKey(place: { userId: string; provider: string }): Promise<PersonalKey>;
  /** What one person may use in a day with keys of the installation; `null`: no limit. */
  tokensPerDay: number | null;
  readTokensToday(userId: string): Promise<number>;
  count: (outcome: BrokerOutcome) => void;
  onFailure: (error: unknown) => void;
}

export interface ModelBroker {
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Requests that are answered now. */
  openRequests: () => number;
}

export function createModelBroker(deps: ModelBrokerDeps): ModelBroker {
  const { limits } = deps;
  const openByProject = new Map<string, number>();
  let bodyBytes = 0;

  async function admit(request: IncomingMessage): Promise<Admitted> {
    const path = request.method === 'POST' ? parseModelPath(request.url ?? '') : null;
    if (path === null)
      throw new Refusal(404, 'not_found_error', 'This part of the API of the provider is not offered here.');
    const project = await authenticate(request, deps);
    const provider = deps.providers().find(path.provider);
    if (provider === null) {
      throw new Refusal(
        404,
        'not_found_error',
        `There is no provider "${path.provider}" here. An administrator can add it.`,
      );
    }
    if (!isOffered(provider.kind, path.endpoint)) {
      throw new Refusal(404, 'not_found_error', `${provider.name} is not offered by this API here.`);
    }
    const found = await findKey(project, provider, deps);
    if (found.keyOwner === 'installation') await requireTokens(project, deps);
    return { project, provider, endpoint: path.endpoint, ...found };
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<BrokerOutcome> {
    const admitted = await admit(request);
    const { id } = admitted.project;
    const open = openByProject.get(id) ?? 0;
    if (open >= limits.requestsPerProject) {
      throw new Refusal(
        429,
        'rate_limit_error',
        'This project has too many requests to models open. Wait until one ends.',
        'limited',
      );
    }
    openByProject.set(id, open + 1);
    let heldBytes = 0;
    const hold = (bytes: number): void => {
      heldBytes += bytes;
      bodyBytes += bytes;
      if (bodyBytes > limits.allBodyBytes) {
        throw new Refusal(
          503,
          'overloaded_error',
          'Too many large requests to models at once. Try again in a moment.',
          'limited',
        );
      }
    };
    try {
      const bytes = await readBody(request, { limits, hold });
      const body = parseModelBody(bytes, admitted.endpoint);
      if (body === null) {
        throw new Refusal(400, 'invalid_request_error', 'The request must be a JSON object with the name of a model.');
      }
      return await passOn(deps, { admitted, body, request, response });
    } finally {
      bodyBytes -= heldBytes;
      const left = (openByProject.get(id) ?? 1) - 1;
      if (left > 0) openByProject.set(id, left);
      else openByProject.delete(id);
    }
  }

  return {
    openRequests: () => [...openByProject.values()].reduce((sum, count) => sum + count, 0),
    handle(request, response) {
      response.on('error', () => undefined); // the pod may disconnect at any time
      respond(request, response).then(deps.count, (error: unknown) => {
        const endpoint = parseModelPath(request.url ?? '')?.endpoint ?? null;
        if (error instanceof Refusal) {
          deps.count(error.outcome);
          sendError(response, endpoint, error);
          return;
        }
        deps.count('failed');
        deps.onFailure(error);
        const message =
          'The model broker cannot work now, because the database does not answer. Try again in a moment.';
        sendError(response, endpoint, { status: 503, type: 'api_error', message });
      });
    },
  };
}

/** A wrong credential, an unknown project and one that does not run look the same. */
async function authenticate({ headers }: IncomingMessage, deps: ModelBrokerDeps): Promise<ModelProject> {
  const id = headers[projectHeader];
  const given = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  const isId = typeof id === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
  const project = isId ? await deps.findProject(id) : null;
  const isRight = timingSafeEqual(digest(given), digest(project?.credential ?? ''));
  if (project !== null && project.credential !== null && isRight) return project;
  throw new Refusal(
    401,
    'authentication_error',
    'This project may not use models: its credential is not valid, or it does not run.',
  );
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

async function findKey(
  { ownerId }: ModelProject,
  provider: BrokerProvider,
  deps: ModelBrokerDeps,
): Promise<{ key: string; keyOwner: KeyOwner }> {
  const own = await deps.findPersonalKey({ userId: ownerId, provider: provider.id });
  if (own.kind === 'key') return { key: own.key, keyOwner: 'person' };
  if (own.kind === 'unreadable') {
    const message = `Your key for ${provider.name} can no longer be read. Enter it again under Settings → Models.`;
    throw new Refusal(403, 'permission_error', message);
  }
  const key = deps.providers().keyOf(provider.id);
  if (key !== null) return { key, keyOwner: 'installation' };
  const message = `There is no key for ${provider.name}. Enter yours under Settings → Models.`;
  throw new Refusal(403, 'permission_error', message);
}

/** 403, because OpenCode would repeat a request that gets 429, and a day is too long for that. */
async function requireTokens({ ownerId }: ModelProject, deps: ModelBrokerDeps): Promise<void> {
  if (deps.tokensPerDay === null || (await deps.readTokensToday(ownerId)) < deps.tokensPerDay) return;
  const message = `You have used your ${deps.tokensPerDay.toLocaleString('en')} tokens of today. You get new ones at midnight (UTC). A key of your own, under Settings → Models, has no limit here.`;
  throw new Refusal(403, 'permission_error', message, 'limited');
}

async function readBody(
  request: IncomingMessage,
  { limits, hold }: { limits: BrokerLimits; hold: (bytes: number) => void },
): Promise<Buffer> {
  const tooLarge = () =>
    new Refusal(
      413,
      'request_too_large',
      `The request is too large: at most ${limits.bodyBytes / 1_048_576} MiB are passed on.`,
    );
  if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isSlow = false;
  const timer = setTimeout(() => {
    isSlow = true;
    request.destroy();
  }, limits.bodyMs);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.bodyBytes) throw tooLarge();
      hold(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'invalid_request_error', isSlow ? 'The request took too long.' : 'The request was cut off.');
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}

function sendError(
  response: ServerResponse,
  endpoint: Endpoint | null,
  { status, type, message }: { status: number; type: string; message: string },
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = errorBody(endpoint, { type, message });
  // The rest of a body that nobody reads would keep the connection busy.
  if (!response.req.complete) response.setHeader('connection', 'close');
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  };
  response.writeHead(status, headers).end(text);
}
