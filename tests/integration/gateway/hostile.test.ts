/**
 * Hostile pages, programs and pods: no byte, cookie or stream of one project may reach another. Each row of the tables is
 * listed in docs/security/threat-model.md.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startFakePod, startRawPod, type FakePod, type RawPod } from '../../support/fake-pod.ts';
import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';
import { hostileAnswers } from './hostile-answers.ts';
import { hostilePages } from './hostile-pages.ts';
import { hostilePrograms } from './hostile-programs.ts';
import type { HostileRow, Scene } from './hostile-scene.ts';

const mark = 'a secret of the victim';

let system: GatewaySystem;
let victimsPod: FakePod;
let attackersPod: FakePod;
let rawPod: RawPod;
let scene: Scene;
let victim: { projectId: string; cookie: string };
let rawProject: { projectId: string; cookie: string };
/** A stream of the victim that is open during all attacks. */
let stream: IncomingMessage;
let heard = '';

beforeAll(async () => {
  [system, victimsPod, attackersPod, rawPod] = await Promise.all([
    startGatewaySystem(),
    startFakePod((request, response) => {
      if (request.url === '/stream')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${mark}\n\n`);
      else response.end(mark);
    }),
    startFakePod(),
    startRawPod(),
  ]);
  const enter = async (name: string, address: string) => {
    const projectId = await system.createProject(name, address);
    return { projectId, cookie: await system.enter(await system.signIn(name), projectId) };
  };
  victim = await enter('victim', victimsPod.address);
  const attacker = await enter('attacker', attackersPod.address);
  rawProject = await enter('attacker', rawPod.address);
  const placeOf = (projectId: string) => ({
    host: new URL(system.originOf(projectId)).host,
    origin: system.originOf(projectId),
  });
  const credentials = (projectId: string) => Object.values(system.keys.currentCredentials(projectId));
  scene = {
    victim: placeOf(victim.projectId),
    attacker: placeOf(attacker.projectId),
    victimsCookie: victim.cookie,
    attackersCookie: attacker.cookie,
    attackersSecrets: [
      await system.server.mintToken('attacker'),
      ...credentials(attacker.projectId),
      ...credentials(victim.projectId),
      attacker.cookie.split('=')[1] ?? '',
    ],
  };
  stream = await system.open({ projectId: victim.projectId, path: '/stream', headers: { cookie: victim.cookie } });
  stream.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await once(stream, 'data');
});
afterAll(async () => {
  stream?.destroy();
  await system?.stop();
  await Promise.all([victimsPod?.stop(), attackersPod?.stop(), rawPod?.stop()]);
});

/** Sends all requests of a row. @returns what went wrong */
async function attack({ requests }: HostileRow): Promise<string[]> {
  const findings: string[] = [];
  const before = victimsPod.received.length;
  for (const bytes of requests(scene)) {
    const answer = await system.write(bytes);
    const summary = `${JSON.stringify(bytes.slice(0, 300))} → ${JSON.stringify(answer.slice(0, 100))}`;
    if (answer.includes(mark)) findings.push(`answered with the secret: ${summary}`);
    if (/^access-control-|^set-cookie: opencode/im.test(answer)) findings.push(`answered with permissions: ${summary}`);
    if (/^HTTP\/1.1 5/.test(answer)) findings.push(`failed: ${summary}`);
    if (victimsPod.received.length > before) return [...findings, `reached the pod of the victim: ${summary}`];
  }
  if (attackersPod.received.some(({ url }) => url.includes('smuggled'))) findings.push('smuggled a second request');
  return findings;
}

it('a request of the project’s own page reaches its pod', async () => {
  const { host, origin } = scene.victim;
  const bytes = `POST /session HTTP/1.1\r\nHost: ${host}\r\nCookie: ${victim.cookie}\r\nOrigin: ${origin}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`;
  expect(await system.write(bytes)).toContain(mark);
});

describe('with the cookie of the victim, nothing reaches the pod when', () => {
  it.each(hostilePages)('$name', async (row) => {
    expect(await attack(row)).toEqual([]);
  });
});

describe('an attacker who may enter a project of their own reaches no other when', () => {
  it.each(hostilePrograms)('$name', async (row) => {
    expect(await attack(row)).toEqual([]);
  });
});

/** What no answer may contain, whatever the pod says. */
function findingsIn({ headers }: IncomingMessage): string[] {
  const cookies = headers['set-cookie'] ?? [];
  const forbidden =
    /^(access-control-|strict-transport|clear-site|alt-svc|service-worker|public-key|nel|report|www-auth|proxy-|refresh|accept-ch|set-cookie2|timing-allow|trailer|upgrade)/;
  return [
    ...cookies.filter((cookie) => /domain/i.test(cookie) || /opencode-/i.test(cookie)),
    ...Object.keys(headers).filter((name) => forbidden.test(name)),
    ...(String(headers['content-security-policy']).includes('frame-ancestors') ? [] : ['no frame-ancestors']),
    ...(headers['cross-origin-resource-policy'] === 'same-origin' ? [] : ['readable from other origins']),
    ...(headers['x-content-type-options'] === 'nosniff' ? [] : ['sniffable']),
  ];
}

describe('fault 47: a browser gets nothing harmful, and other projects continue, when', () => {
  it.each(hostileAnswers)('$name', async ({ answers }) => {
    const findings: string[] = [];
    for (const bytes of answers) {
      rawPod.say(bytes);
      const { projectId, cookie } = rawProject;
      const answer = await system.open({ projectId, headers: { cookie } }).catch(() => null);
      if (answer === null) continue; // the connection was closed
      findings.push(...findingsIn(answer).map((finding) => `${finding}: ${JSON.stringify(bytes.slice(0, 200))}`));
      answer.on('error', () => undefined).resume(); // it may end in the middle
      if (!answer.closed) await new Promise((closed) => answer.once('close', closed));
    }
    expect(findings).toEqual([]);
    expect((await system.ask({ projectId: victim.projectId, headers: { cookie: victim.cookie } })).text).toBe(mark);
  });

  it('a pod answers the handshake of a WebSocket with something else', async () => {
    const { projectId, cookie } = rawProject;
    const origin = system.originOf(projectId);
    const handshake = `GET /pty HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nOrigin: ${origin}\r\nCookie: ${cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    const findings: string[] = [];
    for (const bytes of hostileAnswers.flatMap(({ answers }) => answers)) {
      rawPod.say(bytes);
      const answer = await system.write(handshake);
      const isHarmful = /^set-cookie:.*(domain|opencode-)|^access-control-|^clear-site-data|^www-authenticate/im.test(
        answer,
      );
      if (isHarmful || answer.length > 10_000)
        findings.push(`${JSON.stringify(bytes.slice(0, 200))} → ${answer.slice(0, 300)}`);
    }
    expect(findings).toEqual([]);
  }, 60_000);
});

it('the tables have more than a thousand requests, and each row is listed in the threat model', () => {
  const rows = [...hostilePages, ...hostilePrograms];
  const count =
    rows.flatMap((row) => row.requests(scene)).length + hostileAnswers.flatMap(({ answers }) => answers).length;
  expect(count).toBeGreaterThan(1_000);
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/security/threat-model.md'), 'utf8');
  expect([...rows, ...hostileAnswers].map(({ name }) => name).filter((name) => !page.includes(name))).toEqual([]);
});

it('the stream of the victim was open all the time, and contains nothing else', () => {
  expect(stream.closed).toBe(false);
  expect(heard).toBe(`data: ${mark}\n\n`);
});
