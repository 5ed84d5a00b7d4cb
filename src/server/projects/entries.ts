/** Issues the tickets that let the caller's browser into the origin of a project. */

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import type { OpenedProject } from '../../shared/contract/project.ts';
import { workspaceUrlOf } from '../../shared/node/access/access-variables.ts';
import { entryUrl } from '../../shared/node/access/project-hosts.ts';
import { ticketLifetimeSeconds, type EntryTokens } from '../../shared/node/access/tickets.ts';
import type { SessionCaller } from '../services.ts';

export interface ProjectEntries {
  /**
   * The caller must have the right `open` in the project.
   * @throws AppError UNSUPPORTED when the installation has no gateway; FORBIDDEN for a token of the issuer
   */
  issue(caller: SessionCaller, projectId: string): Promise<OpenedProject>;
}

export function createProjectEntries(deps: {
  tokens: EntryTokens;
  settings: { workspaceDomain: string | null; hasAccessSecret: boolean };
  publicOrigin: () => string;
  clock: Clock;
}): ProjectEntries {
  const { tokens, settings, publicOrigin, clock } = deps;
  return {
    async issue({ user, credential }, projectId) {
      const { workspaceDomain: domain, hasAccessSecret } = settings;
      if (domain === null || !hasAccessSecret) throw notConfigured(settings);
      if (credential === null || credential.kind === 'issuer-token') {
        throw new AppError(
          'FORBIDDEN',
          'A token of the issuer cannot open a project, because it cannot be revoked here. Use a personal access token.',
        );
      }
      const entry = { credential: { kind: credential.kind, id: credential.id }, userId: user.id, projectId };
      const expiresAtMs = (Math.floor(clock.now() / 1_000) + ticketLifetimeSeconds) * 1_000;
      const ticket = await tokens.sign('ticket', entry, ticketLifetimeSeconds);
      const workspaceUrl = workspaceUrlOf({ publicUrl: publicOrigin(), domain });
      return { url: entryUrl(projectId, { workspaceUrl, ticket }), expiresAt: new Date(expiresAtMs).toISOString() };
    },
  };
}

function notConfigured({
  workspaceDomain,
  hasAccessSecret,
}: {
  workspaceDomain: string | null;
  hasAccessSecret: boolean;
}) {
  const missing = [
    ...(workspaceDomain === null ? ['WORKSPACE_DOMAIN'] : []),
    ...(hasAccessSecret ? [] : ['ACCESS_SECRET']),
  ].join(' and ');
  return new AppError(
    'UNSUPPORTED',
    `Projects cannot be opened in this installation. An administrator has to set ${missing} and run the gateway.`,
  );
}
