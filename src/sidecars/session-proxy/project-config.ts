/**
 * The configuration of OpenCode that the project manager gives to this project: `GET` says which version is here, and `PUT` writes
 * one and makes OpenCode read it. Both need the password of OpenCode. The gateway, whose callers are pages that an agent may have
 * written, does not send that password.
 *
 * The folder, below the home folder of OpenCode: `opencode.json` and `rules.md` are what OpenCode reads; `given/` has the same
 * files as they were written; `state.json` says which version that is, and whether OpenCode has read it since. The init
 * container of the pod writes the same files before OpenCode starts.
 */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

import { sendJson } from '../access.ts';

/** Two files of 64 KiB together, as JSON, whose escapes make a text longer. */
const maxBodyBytes = 512 * 1024;
const disposeTimeoutMs = 15_000;
/** Shorter than the time that the caller waits. */
const readTimeoutMs = 5_000;
const maxAnswerBytes = 1024 * 1024;
const maxProblemLength = 500;
/** As `src/shared/opencode/model-config.ts` calls the pod in the addresses of models. */
const ownPodName = 'this-pod.invalid';

interface Files {
  version: number;
  config: string;
  rules: string;
}

interface ProjectConfigDeps {
  upstream: { host: string; port: number };
  /** The header that OpenCode requires. */
  authorization: string;
  /** Where the files are. */
  folder: string;
}

export type ProjectConfig = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function createProjectConfig(deps: ProjectConfigDeps): ProjectConfig {
  /** Changes follow each other. */
  let last: Promise<unknown> = Promise.resolve();

  return async (request, response) => {
    try {
      if (request.method === 'GET') return sendJson(response, 200, await describe(deps));
      if (request.method !== 'PUT') return sendJson(response, 405, { error: 'Send GET or PUT.' });
      const files = parse(await readBody(request));
      if (files === null) return sendJson(response, 400, { error: 'Send { version, config, rules }.' });
      const change = last.then(() => apply(deps, files));
      last = change.catch(() => undefined);
      await change;
      sendJson(response, 200, await describe(deps));
    } catch (error) {
      process.stderr.write(`The configuration: ${String(error)}\n`);
      if (isAway(error)) sendJson(response, 502, { error: 'OpenCode does not answer. It may still be starting.' });
      else sendJson(response, 507, { error: 'The configuration could not be written. The volume may be full.' });
    }
  };
}

async function apply({ folder, ...openCode }: ProjectConfigDeps, files: Files): Promise<void> {
  const { version, rules } = files;
  const config = files.config.replaceAll(ownPodName, openCode.upstream.host);
  const state = await readState(folder);
  // A database that was restored may give a number to another text.
  const isSame =
    (await readText(join(folder, 'opencode.json'))) === config && (await readText(join(folder, 'rules.md'))) === rules;
  if (state.version === version && state.isRead && isSame && !(await isChanged(folder))) return;
  await mkdir(join(folder, 'given'), { recursive: true });
  // Until OpenCode has read the files, so that a crash in between is repeated.
  await replaceFile(join(folder, 'state.json'), JSON.stringify({ version, isRead: false }));
  for (const place of [folder, join(folder, 'given')]) {
    await replaceFile(join(place, 'opencode.json'), config);
    await replaceFile(join(place, 'rules.md'), rules);
  }
  const { status } = await ask(openCode, 'POST', '/global/dispose', disposeTimeoutMs);
  if (status !== 200) throw new Away(`OpenCode answers ${status}.`);
  await replaceFile(join(folder, 'state.json'), JSON.stringify({ version, isRead: true }));
}

async function describe({ folder, ...openCode }: ProjectConfigDeps): Promise<object> {
  const { version, isRead } = await readState(folder);
  return { version, isRead, isChanged: await isChanged(folder), problem: await readProblem(openCode) };
}

async function readState(folder: string): Promise<{ version: number; isRead: boolean }> {
  const state = parseObject(await readText(join(folder, 'state.json')));
  const version = Number.isSafeInteger(state['version']) ? Number(state['version']) : 0;
  return { version: Math.max(0, version), isRead: state['isRead'] === true };
}

async function isChanged(folder: string): Promise<boolean> {
  for (const name of ['opencode.json', 'rules.md']) {
    if ((await readText(join(folder, name))) !== (await readText(join(folder, 'given', name)))) return true;
  }
  return false;
}

/** Why OpenCode refuses a file of its configuration, which may also be one of the repository; `null` if it does not, or is silent. */
async function readProblem(openCode: Omit<ProjectConfigDeps, 'folder'>): Promise<string | null> {
  const { status, body } = await ask(openCode, 'GET', '/config', readTimeoutMs).catch(() => ({ status: 0, body: '' }));
  if (status !== 400) return null;
  const { name, data } = parseObject(body);
  const { path: file, issues, message } = asObject(data);
  const [issue] = Array.isArray(issues) ? (issues as unknown[]).map(asObject) : [];
  const place = Array.isArray(issue?.['path']) ? issue['path'].join('.') : '';
  const parts = [file, place, issue?.['message'] ?? message ?? name];
  return parts
    .filter((part) => typeof part === 'string' && part !== '')
    .join(': ')
    .slice(0, maxProblemLength);
}

class Away extends Error {}

const isAway = (error: unknown): boolean => error instanceof Away;

function ask(
  { upstream, authorization }: Pick<ProjectConfigDeps, 'upstream' | 'authorization'>,
  method: string,
  path: string,
  timeoutMs: number,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { ...upstream, method, path, headers: { authorization }, signal: AbortSignal.timeout(timeoutMs) };
    const request = send(options, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        body += part;
        if (body.length > maxAnswerBytes) request.destroy(new Error('The answer is too long.'));
      });
      answer.on('error', (error) => reject(new Away(error.message)));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    request.on('error', (error) => reject(new Away(error.message))).end();
  });
}

function parse(text: string): Files | null {
  const { version, config, rules } = parseObject(text);
  const isValid = Number.isSafeInteger(version) && typeof config === 'string' && typeof rules === 'string';
  return isValid ? { version: Number(version), config, rules } : null;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBodyBytes) return '';
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A file that cannot be read has no text. */
const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** Whoever reads the file finds the old or the new text. */
async function replaceFile(path: string, text: string): Promise<void> {
  // The agent can put a link there, which must not lead the file elsewhere.
  await rm(`${path}.new`, { recursive: true, force: true });
  await writeFile(`${path}.new`, text, { flag: 'wx' });
  await rename(`${path}.new`, path);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {};
  }
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
