import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, test } from 'vitest';

import { createTestDatabase, createTestRedis } from './services.ts';

test('each test database starts with the newest schema and without the rows of another', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  try {
    await run(one.url, `CREATE TABLE only_here (id int)`);
    expect(await run(one.url, `SELECT to_regclass('only_here') IS NOT NULL AS found`)).toEqual([{ found: true }]);
    expect(await run(other.url, `SELECT to_regclass('only_here') IS NOT NULL AS found`)).toEqual([{ found: false }]);
    expect(await run(other.url, `SELECT to_regclass('projects') IS NOT NULL AS found`)).toEqual([{ found: true }]);
  } finally {
    await Promise.all([one.drop(), other.drop()]);
  }
  await expect(run(one.url, 'SELECT 1')).rejects.toThrow('does not exist');
});

test('each test Redis is empty at first and hides the keys of another', async () => {
  const [one, other] = await Promise.all([createTestRedis(), createTestRedis()]);
  const [first, second] = [new Redis(one.url), new Redis(other.url)];
  try {
    await first.set('key', 'value');
    expect(await second.dbsize()).toBe(0);
    await one.flush();
    expect(await first.dbsize()).toBe(0);
  } finally {
    first.disconnect();
    second.disconnect();
  }
});

async function run(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
