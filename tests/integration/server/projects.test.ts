import { test } from 'vitest';
import { createTestDatabase, createTestRedis } from '../../support/services.ts';
import { startTestServer } from '../../support/test-server.ts';
test('x', async () => {
  const d = await createTestDatabase(); const r = await createTestRedis();
  const s = await startTestServer({ databaseUrl: d.url, redisUrl: r.url });
  try {
  const token = await s.mintToken('anna');
  const call = async (path: string, init: RequestInit = {}) => {
    const t0 = performance.now();
    const res = await fetch(s.url + path, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers } });
    console.log(path.slice(0, 60), res.status, Math.round(performance.now() - t0), (await res.text()).slice(0, 900));
  };
  await call('/livez'); await call('/readyz');
  await call('/trpc/auth.me');
  await call('/trpc/projects.create', { method: 'POST', body: JSON.stringify({ name: 'One', repoUrl: 'https://x.test/a' }) });
  await call('/trpc/projects.create', { method: 'POST', body: JSON.stringify({ name: 'one' }) });
  await call('/trpc/projects.create', { method: 'POST', body: JSON.stringify({ name: '!', foo: 1 }) });
  await call('/trpc/projects.create', { method: 'POST', body: '{broken' });
  await call('/trpc/projects.create', { method: 'POST', body: 'x'.repeat(1_000_000) });
  await call('/trpc/projects.create', { method: 'POST', body: '{"name":"a","__proto__":{"a":1}}' });
  await call('/trpc/projects.create', { method: 'POST', body: 'a=1', headers: { 'content-type': 'text/plain' } });
  await call('/trpc/projects.create', { method: 'POST', body: 'a=1', headers: { 'content-type': 'multipart/form-data; boundary=x' } });
  await call('/trpc/projects.create');
  await call('/trpc/projects.list', {method:'POST', body: '{}'});
  await call('/trpc/projects.list');
  await call('/trpc/projects.get?input=' + encodeURIComponent('{"id":"nope"}'));
  await call('/trpc/projects.list?input=' + encodeURIComponent('{"search":"\\u0000"}'));
  await call('/trpc/projects.list?input=' + encodeURIComponent('{"cursor":"abc"}'));
  await call('/trpc/projects.list?input=%7Bbroken');
  await call('/trpc/nope.nope'); await call('/trpc/%2525'); await call('/trpc/__proto__'); await call('/trpc/constructor.prototype'); await call('/trpc/projects.onChange');
  await call('/trpc/'+Array(21).fill('auth.me').join(',')+'?batch=1');
  await call('/trpc/'+'a'.repeat(6000)); await call('/trpc/%');
  await call('/trpc'); await call('/foo', {headers:{accept:'text/html'}}); await call('/foo');
  await call('/auth/login'); await call('/auth/callback?state=x&code=y');
  await call('/trpc/projects.create', { method: 'PUT', body: '{}' });
  await call('/trpc/auth.me', { headers: { authorization: 'Bearer ocpm_wrong' } });
  await call('/trpc/auth.me', { headers: { authorization: 'x' } });
  } finally { const t=performance.now(); await s.stop(); console.log('stop', performance.now()-t); await d.drop(); }
}, 30000);
