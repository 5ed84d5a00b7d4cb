/** A program with a plain BullMQ worker. It says whether it still runs a timer after Redis has refused to tell its version. */

import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

const redis = new Redis(process.argv[2] ?? '', { maxRetriesPerRequest: null });
const worker = new Worker('canary', async () => undefined, { connection: redis });
worker.once('error', () => process.stdout.write('refused '));
redis.once('ready', () => setTimeout(() => process.stdout.write('timer '), 100));
