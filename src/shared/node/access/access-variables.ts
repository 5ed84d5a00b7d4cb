/** The environment variables that server and gateway share: where people and projects are, and what signs their entries. */

import { z } from 'zod';

import { crossCheck, integerVariable } from '../environment.ts';
import { serviceUrl } from '../service-url.ts';

const publicUrl = serviceUrl({ protocol: /^https?$/, error: 'must be the URL at which people open the application.' })
  .refine(
    (text) => URL.canParse(text) && new URL(text).pathname === '/' && new URL(text).search === '',
    'must consist of scheme, host and port, without a path.',
  )
  .transform((text) => new URL(text).origin);

export const accessVariables = {
  PUBLIC_URL: publicUrl.optional().describe('The origin that browsers see; default: `http://localhost:PORT`.'),
  SESSION_SECRET: z
    .string()
    .min(32, 'must be a secret of at least 32 random characters.')
    .describe('Signs the session cookies; at least 32 characters. `npm start` generates one.'),
  ACCESS_SECRET_PREVIOUS: z
    .string()
    .min(32, 'must be a secret of at least 32 random characters.')
    .optional()
    .describe(
      'The ACCESS_SECRET before the last rotation. Pods that were created with it can be opened until their next restart.',
    ),
  TRUSTED_PROXIES: integerVariable('TRUSTED_PROXIES', { min: 0, max: 10, fallback: 0 }).describe(
    "How many proxies in front of the server and the gateway may state the client's address.",
  ),
  WORKSPACE_DOMAIN: z
    .string()
    .toLowerCase()
    .regex(
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?$/,
      'must be a host name with an optional port, such as workspaces.example.com, without a scheme.',
    )
    .refine((text) => URL.canParse(`http://${text}`), 'has a port that does not exist.')
    .optional()
    .describe(
      'The domain of the projects: each has its origin `p-<id>.WORKSPACE_DOMAIN`, with the scheme of `PUBLIC_URL`. Without it nobody can open a project. It must be neither the host of `PUBLIC_URL` nor above or below it; a registrable domain of its own is best. `npm start`: `localhost:PORT`.',
    ),
};

interface Origins {
  PUBLIC_URL?: string | undefined;
  WORKSPACE_DOMAIN?: string | undefined;
}

/**
 * Pages of projects can set cookies for the domain above them. If the product were there, they would reach it.
 * @returns what is wrong with WORKSPACE_DOMAIN, or `null`
 */
export function workspaceDomainProblem({ PUBLIC_URL, WORKSPACE_DOMAIN }: Origins): string | null {
  if (PUBLIC_URL === undefined || WORKSPACE_DOMAIN === undefined) return null;
  const product = URL.parse(PUBLIC_URL)?.hostname;
  const domain = URL.parse(`http://${WORKSPACE_DOMAIN}`)?.hostname;
  if (product === undefined || domain === undefined) return null; // the variable itself is reported
  // Browsers accept no cookie for the domain "localhost" from a host below it.
  if (product === 'localhost' && domain === 'localhost') return null;
  if (product !== domain && !product.endsWith(`.${domain}`) && !domain.endsWith(`.${product}`)) return null;
  return `must be neither the host of PUBLIC_URL (${product}) nor above or below it, because pages of projects could set its cookies.`;
}

/** For `check` of a schema with {@link accessVariables}. */
export const workspaceDomainCheck = crossCheck<Origins>((variables) => {
  const message = workspaceDomainProblem(variables);
  return message === null ? {} : { WORKSPACE_DOMAIN: message };
});

/** Scheme, domain and port of all projects, such as `https://workspaces.example.com`. */
export function workspaceUrlOf({ publicUrl: url, domain }: { publicUrl: string; domain: string }): string {
  return new URL(`${new URL(url).protocol}//${domain}`).origin;
}
