/** The paths of the gateway itself on a project's origin: the entry with a ticket, and what the waiting page needs. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { AppError } from '../shared/contract/errors.ts';
import { gatewayPath } from '../shared/node/access/project-hosts.ts';
import type { Entry, EntryTokens } from '../shared/node/access/tickets.ts';
import { pause } from '../shared/node/periodic.ts';
import type { Admissions } from './admission.ts';
import { sendPage, sendScript, sendText } from './answers.ts';
import type { Outcome } from './metrics.ts';
import { renderMessagePage, waitingScript } from './waiting-page.ts';
import { waitingStateOf, type WaitingState } from './waiting-state.ts';
import type { WorkspaceCookie } from './workspace-cookie.ts';

/** Where OpenCode's web UI shows the project's folder. */
export const workspaceDeepLink = `/${Buffer.from('/workspace/project').toString('base64url')}/session`;

/** How often a waiting page hears the state. */
const stateIntervalMs = 1_000;

export interface OwnPathsDeps {
  tokens: EntryTokens;
  cookie: WorkspaceCookie;
  admissions: Admissions;
  /** Marks a ticket as used. @returns `false` when it was used before */
  redeem: (ticketId: string) => Promise<boolean>;
  /** Applies the command of the waiting page. */
  command: (entry: Entry, command: NonNullable<WaitingState['action']>) => Promise<void>;
  /** The page of a project in the product. */
  projectPage: (projectId: string) => string;
  /** Aborts when the gateway stops. */
  stopping: AbortSignal;
}

export interface OwnPaths {
  /** Exchanges a ticket for the cookie, then shows OpenCode. */
  enter(response: ServerResponse, projectId: string, ticket: string): Promise<Outcome>;
  /** @param path without the prefix of the gateway */
  respond(request: IncomingMessage, response: ServerResponse, own: { path: string; entry: Entry }): Promise<Outcome>;
}

export function createOwnPaths(deps: OwnPathsDeps): OwnPaths {
  const { admissions, cookie, tokens, stopping } = deps;

  /** Server-sent events with the state of the project, until it is ready or may no longer be shown. */
  async function streamState(response: ServerResponse, entry: Entry): Promise<void> {
    const closed = new AbortController();
    response.once('close', () => closed.abort());
    const ended = AbortSignal.any([stopping, closed.signal]);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let last = '';
    while (!ended.aborted) {
      const admission = await admissions.check(entry);
      if (admission.kind === 'refused') break;
      const state = JSON.stringify(admission.kind === 'admitted' ? { ready: true } : waitingStateOf(admission));
      if (state !== last) response.write(`data: ${state}\n\n`);
      last = state;
      if (admission.kind === 'admitted') break;
      await pause(stateIntervalMs, ended);
    }
    response.end();
  }

  async function runCommand(response: ServerResponse, entry: Entry): Promise<void> {
    const admission = await admissions.check(entry);
    const action = admission.kind === 'not-ready' ? waitingStateOf(admission).action : null;
    try {
      if (action !== null) await deps.command(entry, action);
      response.writeHead(303, { location: workspaceDeepLink, 'cache-control': 'no-store' }).end();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      sendText(response, error.code === 'UNAVAILABLE' ? 503 : 409, error.message);
    }
  }

  return {
    async enter(response, projectId, text) {
      const ticket = await tokens.verify('ticket', text, projectId);
      if (!ticket || !(await deps.redeem(ticket.id))) {
        const link = { href: deps.projectPage(projectId), label: 'Open the project again' };
        const message = 'A link opens a project once, within 30 seconds.';
        sendPage(response, 403, renderMessagePage('This link has expired', message, { link }));
        return 'refused';
      }
      response
        .writeHead(303, {
          'set-cookie': await cookie.issue(ticket),
          location: workspaceDeepLink,
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
        })
        .end();
      return 'entered';
    },
    async respond({ method }, response, { path, entry }) {
      switch (`${method} ${path}`) {
        case 'GET /waiting.js':
          sendScript(response, waitingScript);
          break;
        case 'GET /state':
          await streamState(response, entry);
          break;
        case 'POST /start':
          await runCommand(response, entry);
          break;
        default:
          sendText(response, 404, `The gateway has no such page below ${gatewayPath}.`);
      }
      return 'own';
    },
  };
}
