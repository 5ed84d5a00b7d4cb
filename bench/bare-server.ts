/**
 * The baseline of P2 and P6, in a process of its own like the server: Fastify, `pg` and BullMQ, without sign-in, validation and events.
 * `GET /projects?owner=ID&before=SEQ&bytes=N` answers with a page of at least N bytes. `POST /projects` inserts a row and queues its job.
 */

import { randomUUID } from 'node:crypto';
import process from 'node:process';

import { Queue } from 'bullmq';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';

const { DATABASE_URL = '', REDIS_URL = '' } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
const queue = new Queue('bare', { connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }) });
const app = fastify();

interface Page {
  owner: string;
  before: number;
  bytes: number;
}

app.get<{ Querystring: Page }>('/projects', async ({ query: { owner, before, bytes } }, reply) => {
  const { rows } = await pool.query(
    'select * from projects where owner_id = $1 and deleted_at is null and seq < $2 order by seq desc limit 51',
    [owner, before],
  );
  return reply.type('application/json').send(JSON.stringify({ items: rows }).padEnd(bytes));
});

app.post<{ Body: { owner: string; name: string } }>('/projects', async ({ body: { owner, name } }) => {
  const id = randomUUID();
  const { rows } = await pool.query(
    `insert into projects (id, owner_id, name, description, namespace, pod_name, workspace_pvc_name)
     values ($1, $2, $3, '', 'opencode', $4, $5) returning *`,
    [id, owner, name, `project-${id}`, `workspace-${id}`],
  );
  await queue.add('create-pod', { projectId: id }, { jobId: id, removeOnComplete: true });
  return rows[0] as object;
});

await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
process.stdout.write(`port ${typeof address === 'object' ? address?.port : ''}\n`);
