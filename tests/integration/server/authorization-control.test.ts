/** That the sweep of `authorization.test.ts` sees what it looks for: here are procedures that forget, beside one that does not. */

import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';

import { initTRPC } from '@trpc/server';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { z } from 'zod';

import { bearerOf } from '../../../src/server/auth/identity.ts';
import { kubernetesNames } from '../../../src/server/projects/names.ts';
import type { Services } from '../../../src/server/services.ts';
import { noInputSchema, procedure, router, type RequestContext } from '../../../src/server/trpc.ts';
import { AppError } from '../../../src/shared/contract/errors.ts';
import { findUserByAccessToken } from '../../../src/shared/node/db/access-tokens-repository.ts';
import { createDatabase, type Database } from '../../../src/shared/node/db/database.ts';
import { insertProject } from '../../../src/shared/node/db/projects-repository.ts';
import { bearer } from '../../support/api-call.ts';
import {
  sweepStranger,
  sweepUnknown,
  type Actor,
  type SweepTarget,
  type Victim,
} from '../../support/authorization-sweep.ts';
import { proceduresOf } from '../../support/procedures.ts';
import { createTestDatabase, type TestDatabase } from '../../support/services.ts';
import { mintToken } from '../../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let app: FastifyInstance;
let sockets: WebSocketServer;
let target: SweepTarget;
let victim: Victim;
let stranger: { actor: Actor; userId: string };

const idSchema = z.strictObject({ id: z.uuid() });
const listeners = new Set<() => void>();
/** A builder that nobody has put a guard on: the server has none. */
const { procedure: open } = initTRPC.context<RequestContext>().create();

const forgetful = router({
  rightGet: procedure.input(idSchema).query(async ({ ctx, input }) => {
    const row = await db('projects').where({ id: input.id, owner_id: ctx.user.id }).first<{ name: string }>('name');
    if (!row) throw new AppError('NOT_FOUND', 'You have no such project.');
    return row;
  }),
  rightMe: procedure.input(noInputSchema).query(({ ctx }) => ctx.user.id),
  getWithoutOwner: procedure.input(idSchema).query(({ input }) => db('projects').where({ id: input.id }).first('name')),
  renameWithoutOwner: procedure.input(idSchema).mutation(async ({ input }) => {
    await db('projects').where({ id: input.id }).update({ description: 'taken over' });
    throw new AppError('NOT_FOUND', 'You have no such project.'); // the right answer, too late
  }),
  forbidsWhatExists: procedure.input(idSchema).query(async ({ input }) => {
    const row = await db('projects').where({ id: input.id }).first<{ name: string }>('name');
    throw new AppError(row ? 'FORBIDDEN' : 'NOT_FOUND', 'You may not see it.');
  }),
  saysMoreOfWhatExists: procedure.input(idSchema).query(async ({ input }) => {
    const row = await db('projects').where({ id: input.id }).first<{ name: string }>('name');
    throw new AppError('NOT_FOUND', row ? 'It is not yours.' : 'There is none.');
  }),
  hidesTheIdInAList: procedure
    .input(z.strictObject({ which: z.strictObject({ ids: z.array(z.uuid()) }) }))
    .query(({ input }) => db('projects').whereIn('id', input.which.ids).select('name')),
  listsEverybodys: procedure.input(noInputSchema).query(() => db('projects').select('name')),
  followsTextOfAnother: procedure.input(z.strictObject({ cursor: z.string().nullish() })).query(({ input }) =>
    db('projects')
      .where({ idempotency_key: input.cursor ?? '' })
      .select('name'),
  ),
  tellsEverybody: procedure.input(noInputSchema).subscription(async function* ({ signal }) {
    const rows = await db('projects').select('name');
    yield [];
    const heard = Promise.withResolvers<void>();
    listeners.add(heard.resolve);
    signal?.addEventListener('abort', () => heard.resolve());
    await heard.promise;
    if (!signal?.aborted) yield rows;
  }),
  openToAll: open.input(noInputSchema).query(() => 'Nothing that matters.'),
  openSubscription: open.input(noInputSchema).subscription(async function* () {
    yield* ['Nothing that matters.'];
  }),
});

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, { poolSize: 4 });
  const tokens = {
    victim: await mintToken(database.url, 'victim'),
    stranger: await mintToken(database.url, 'stranger'),
  };
  const userIdOf = async (name: string) =>
    (await db('users').where({ oidc_subject: name }).first<{ id: string }>('id')).id;
  const ownerId = await userIdOf('victim');
  const id = randomUUID();
  await db.transaction((trx) =>
    insertProject(
      trx,
      {
        id,
        ownerId,
        name: 'Marked',
        description: '',
        repoUrl: null,
        idempotencyKey: 'marked-request',
        namespace: 'opencode',
        ...kubernetesNames(id),
      },
      { maxProjects: 1 },
    ),
  );
  victim = {
    ids: [id, ownerId],
    texts: ['marked-request'],
    marks: ['Marked', ownerId],
    change: async () => {
      for (const listener of listeners) listener();
    },
  };
  const { url } = await serve();
  target = { url, db, procedures: proceduresOf(forgetful) };
  const actor = { name: 'a stranger', headers: bearer(tokens.stranger), socket: { token: tokens.stranger } };
  stranger = { actor, userId: await userIdOf('stranger') };
});
afterAll(async () => {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  await app.close();
  await db.destroy();
  await database.drop();
});

it('a sweep as nobody finds the procedures without a guard, and no others', async () => {
  const nobody = { name: 'nobody', headers: {}, socket: {} };
  const { findings } = await sweepUnknown(target, nobody, victim);
  expect(namesIn(findings)).toEqual([
    'openSubscription',
    'openToAll',
    'tellsEverybody', // begins to answer over HTTP, which tRPC's own adapter does not refuse
  ]);
});

it(
  'a sweep as a stranger finds each procedure that forgets the owner, and no others',
  { timeout: 60_000 },
  async () => {
    const sweeper = { userId: stranger.userId, actor: async () => stranger.actor, mayBeForbidden: true };
    const { findings } = await sweepStranger(target, sweeper, victim);
    expect(namesIn(findings)).toEqual([
      'followsTextOfAnother',
      'forbidsWhatExists',
      'getWithoutOwner',
      'hidesTheIdInAList',
      'listsEverybodys',
      'openSubscription', // as above
      'openToAll', // answers on a socket, where only subscriptions belong
      'renameWithoutOwner',
      'saysMoreOfWhatExists',
      'tellsEverybody',
    ]);
  },
);

const namesIn = (findings: string[]) => [...new Set(findings.map((finding) => finding.split(',')[0] ?? ''))].toSorted();

/** The router as tRPC's own adapters serve it; callers are known by their personal access tokens. */
async function serve(): Promise<{ url: string }> {
  const contextOf = async (token: string | null, transport: RequestContext['transport']): Promise<RequestContext> => ({
    user: token === null ? null : ((await findUserByAccessToken(db, token))?.user ?? null),
    credential: null,
    refusal: null,
    transport,
    requestId: 'control',
    whenWritable: async () => undefined,
    services: {} as Services, // none of these procedures calls a service: that is what is wrong with them
  });
  app = fastify();
  await app.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: {
      router: forgetful,
      createContext: ({ req }: { req: { headers: { authorization?: string | undefined } } }) =>
        contextOf(bearerOf(req.headers), 'http'),
    },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  sockets = new WebSocketServer({ server: app.server, path: '/trpc' });
  applyWSSHandler({
    wss: sockets,
    router: forgetful,
    createContext: ({ info }) => contextOf(info.connectionParams?.['token'] ?? null, 'websocket'),
  });
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` }; // it listens on TCP
}
