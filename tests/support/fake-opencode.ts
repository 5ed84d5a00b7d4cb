/**
 * An OpenCode in memory, for tests that kill pods by the dozen: sessions and messages survive a kill, as on a volume, and working
 * agents do not. It answers the routes that the runner uses, on the port of the session proxy. It stores a message with a known id
 * once, as the real one does, and remembers each prompt that it has stored. It does not depend on vitest.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

const port = 3002;

interface Message {
  info: {
    id: string;
    role: 'user' | 'assistant';
    time: { created: number; completed?: number };
    finish?: string;
    error?: object;
  };
  parts: { id: string; type: 'text'; text: string }[];
}

interface Session {
  id: string;
  time: { created: number };
  metadata: Record<string, unknown>;
  messages: Message[];
  /** What stops the agent that works; `null`: the session is idle. */
  agent: { timer: NodeJS.Timeout | null; answer: Message; permission: string | null } | null;
}

export interface FakeOpenCode {
  /** Whether an agent works, or waits for an answer. */
  isBusy(): boolean;
  /** Each text of a person that is in a session. */
  prompts(): string[];
  /** What it does, and how often it was asked, one line each. */
  describe(): string[];
  /** Serves at this address, until {@link FakeOpenCode.kill}. */
  serve(address: string): Promise<void>;
  /** Ends it at once. Agents that work are interrupted for ever, and what they ask is forgotten. */
  kill(): Promise<void>;
}

export interface AgentBehaviour {
  /** How long the agent works at this prompt, in milliseconds. */
  workMs(prompt: string): number;
  /** Whether it asks for a permission first. */
  asks(prompt: string): boolean;
  /** What it does with a call, such as `POST /session/ses_1/abort`: unless given, what it is asked. */
  treats?(route: string): Treatment;
  /** The id of each new session; a new one unless given. */
  sessionId?: string;
  /** What a call waits for, before it is carried out, or before its answer is sent. A caller that has left does not end the wait. */
  holds?(route: string, moment: HoldMoment): Promise<void> | undefined;
}

export type HoldMoment = 'before' | 'after';

/** `ignores`: it answers as usual, and does nothing. `refuses`: it answers with an error. */
export type Treatment = 'obeys' | 'ignores' | 'refuses' | 'hangs up';

export function createFakeOpenCode(behaviour: AgentBehaviour): FakeOpenCode {
  const sessions = new Map<string, Session>();
  const streams = new Set<ServerResponse>();
  const serving = new Set<Server>();
  /** How often each route was called. */
  const calls = new Map<string, number>();
  let counter = 0;
  const newId = (prefix: string) => {
    counter += 1;
    const number = (BigInt(Date.now()) * 4_096n + BigInt(counter % 4_096)) % 16n ** 12n;
    return `${prefix}_${number.toString(16).padStart(12, '0')}${String(counter).padStart(14, 'x')}`;
  };
  const publish = (type: string, properties: object) => {
    for (const each of streams) each.write(`data: ${JSON.stringify({ payload: { type, properties } })}\n\n`);
  };

  function begin(session: Session, text: string): void {
    const id = newId('msg');
    const answer: Message = {
      info: { id, role: 'assistant', time: { created: Date.now() } },
      parts: [{ id: newId('prt'), type: 'text', text: `I work at: ${text}` }],
    };
    session.messages.push(answer);
    session.agent = { timer: null, answer, permission: behaviour.asks(text) ? newId('per') : null };
    if (session.agent.permission === null) work(session, text);
    else publish('permission.asked', { sessionID: session.id });
    publish('session.status', { sessionID: session.id });
  }

  function work(session: Session, text: string): void {
    if (session.agent)
      session.agent.timer = setTimeout(() => finish(session, { finish: 'stop' }), behaviour.workMs(text));
  }

  function finish(session: Session, end: Pick<Message['info'], 'finish' | 'error'>): void {
    if (!session.agent) return;
    const { answer, timer } = session.agent;
    if (timer) clearTimeout(timer);
    Object.assign(answer.info, end);
    answer.info.time.completed = Date.now();
    session.agent = null;
    publish('session.idle', { sessionID: session.id });
  }

  function prompt(
    session: Session,
    { messageID, parts }: { messageID: string; parts: { id: string; text: string }[] },
  ) {
    if (session.messages.some(({ info }) => info.id === messageID)) return;
    const info = { id: messageID, role: 'user' as const, time: { created: Date.now() } };
    session.messages.push({ info, parts: parts.map((part) => ({ ...part, type: 'text' as const })) });
    session.messages.sort((a, b) => (a.info.id < b.info.id ? -1 : 1));
    if (!session.agent) begin(session, parts[0]?.text ?? '');
  }

  function reply(permission: string): boolean {
    const session = [...sessions.values()].find(({ agent }) => agent?.permission === permission);
    if (!session?.agent) return false;
    session.agent.permission = null;
    work(session, session.messages.findLast(({ info }) => info.role === 'user')?.parts[0]?.text ?? '');
    return true;
  }

  function openStream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    streams.add(response);
    request.on('close', () => streams.delete(response));
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://pod');
    if (pathname === '/global/event') return openStream(request, response);
    const route = `${request.method} ${pathname}`;
    const name = route.replaceAll(/(?:ses|msg|pty|per)_\w+/g, '*');
    calls.set(name, (calls.get(name) ?? 0) + 1);
    const body = request.method === 'POST' && hasBody(request) ? await json(request) : null;
    await behaviour.holds?.(route, 'before');
    const treatment = behaviour.treats?.(route) ?? 'obeys';
    if (treatment === 'hangs up') return void response.destroy();
    if (treatment !== 'obeys') return void response.writeHead(treatment === 'refuses' ? 500 : 200).end('true');
    const result = resultOf(route, { body, limit: Number(searchParams.get('limit') ?? 100) });
    await behaviour.holds?.(route, 'after');
    response.writeHead(result === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(result ?? {}));
  }

  /** @returns what is answered; `undefined`: not found */
  function resultOf(call: string, { body, limit }: { body: unknown; limit: number }): unknown {
    switch (call) {
      case 'GET /session':
        return [...sessions.values()].toReversed().slice(0, limit).map(shown);
      case 'POST /session': {
        const { metadata } = body as Pick<Session, 'metadata'>; // what the runner sends
        const session: Session = {
          id: behaviour.sessionId ?? newId('ses'),
          time: { created: Date.now() },
          metadata,
          messages: [],
          agent: null,
        };
        sessions.set(session.id, session);
        return shown(session);
      }
      case 'GET /session/status':
        return Object.fromEntries(
          [...sessions.values()].flatMap(({ id, agent }) => (agent ? [[id, { type: 'busy' }]] : [])),
        );
      case 'GET /permission':
        return [...sessions.values()].flatMap(({ id, agent }) =>
          agent?.permission
            ? [{ id: agent.permission, sessionID: id, permission: 'bash', patterns: ['ls'], always: [] }]
            : [],
        );
      case 'GET /question':
        return [];
      case 'GET /path':
        return { directory: '/workspace/project' };
      // A command ends at once. Its result is that there is no repository, so runs work in the folder of the project.
      case 'POST /pty':
        return { id: newId('pty'), status: 'running' };
      case 'GET /file/content':
        return { type: 'text', content: 'exit 0\nno-branches no-repository\nend' };
      default:
        return resultInPath(call, { body, limit });
    }
  }

  function resultInPath(call: string, { body, limit }: { body: unknown; limit: number }): unknown {
    const [, permission] = /^POST \/permission\/(\w+)\/reply$/.exec(call) ?? [];
    if (permission !== undefined) return reply(permission) ? true : undefined;
    const [, method, id = '', what = '', which] = /^(\w+) \/session\/(\w+)(?:\/(\w+)(?:\/(\w+))?)?$/.exec(call) ?? [];
    const session = sessions.get(id);
    if (!session) return undefined;
    switch (`${method} ${what}`) {
      case 'GET ':
        return shown(session);
      case 'GET message':
        if (which !== undefined) return session.messages.find(({ info }) => info.id === which);
        return session.messages.slice(-limit);
      case 'GET todo':
      case 'GET diff':
      case 'GET children':
        return [];
      case 'POST prompt_async':
        prompt(session, body as Parameters<typeof prompt>[1]); // what the runner sends
        return true;
      case 'POST abort':
        finish(session, { error: { name: 'MessageAbortedError', data: { message: 'aborted' } } });
        return true;
      default:
        return undefined;
    }
  }

  return {
    isBusy: () => [...sessions.values()].some(({ agent }) => agent !== null),
    prompts: () =>
      [...sessions.values()].flatMap(({ messages }) =>
        messages.filter(({ info }) => info.role === 'user').map(({ parts }) => parts[0]?.text ?? ''),
      ),
    describe: () => [
      serving.size === 0 ? 'does not serve' : `serves, with ${streams.size} streams of events`,
      ...[...sessions.values()].map(({ id, metadata, agent, messages }) => {
        const last = messages.at(-1)?.info;
        const does = agent ? `works${agent.permission === null ? '' : `, asks ${agent.permission}`}` : 'is idle';
        return `session ${id} of ${JSON.stringify(metadata)} ${does}; last of ${messages.length}: ${JSON.stringify(last)}`;
      }),
      [...calls].map(([route, count]) => `${count} ${route}`).join(', '),
    ],
    async serve(address) {
      const server = createServer((request, response) => {
        respond(request, response).catch(() => response.destroy());
      });
      serving.add(server);
      server.listen(port, address);
      await once(server, 'listening');
    },
    async kill() {
      for (const session of sessions.values()) {
        if (session.agent?.timer) clearTimeout(session.agent.timer);
        session.agent = null;
      }
      await Promise.all(
        [...serving].map(async (server) => {
          serving.delete(server);
          const closed = once(server, 'close');
          server.close();
          server.closeAllConnections();
          await closed;
        }),
      );
    },
  };
}

const shown = ({ id, time, metadata }: Session) => ({ id, time, metadata });

/** A command without data, such as an abort, has none. */
const hasBody = ({ headers }: IncomingMessage) => headers['content-length'] !== '0';
