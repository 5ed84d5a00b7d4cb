/** The configuration of oidc-provider for the embedded issuer: clients, claims, tokens and pages. */

import { interactionPolicy, type Configuration } from 'oidc-provider';

import { systemClock, type Clock } from '../../shared/clock.ts';
import { findDevelopmentUser } from './development-users.ts';
import { messagePage, pageHeaders, signOutPage } from './issuer-pages.ts';
import type { IssuerSettings } from './issuer-settings.ts';
import { signInPath } from './issuer-sign-in.ts';
import { createIssuerStore } from './issuer-store.ts';

export interface IssuerClient {
  clientId: string;
  clientSecret: string;
  redirectUris: readonly string[];
  postLogoutRedirectUris: readonly string[];
}

export interface ProviderOptions {
  clients: readonly IssuerClient[];
  settings: IssuerSettings;
  url: string;
  /** The address of the application; null when it is not known. */
  home: string | null;
  /** The origins to which the answer to a form may redirect. */
  formTargets: readonly string[];
  /** The audience of the access tokens; `opencode-project-manager` unless given. */
  audience?: string;
  clock?: Clock;
}

export function providerConfiguration(options: ProviderOptions): Configuration {
  const { settings, audience = 'opencode-project-manager', clock = systemClock } = options;
  // A resource is named by a URI, but the audience of its tokens may be any text.
  const resource = URL.canParse(audience) ? audience : `urn:audience:${encodeURIComponent(audience)}`;
  const policy = interactionPolicy.base();
  policy.remove('consent'); // the only clients are our own

  return {
    adapter: createIssuerStore(clock),
    clients: options.clients.map(clientMetadata),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    clientBasedCORS: () => false,
    jwks: { keys: [settings.signingKey] },
    cookies: { keys: [settings.cookieKey], names: cookieNames(options.url) },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name', 'picture'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false, // name and email are in the ID token, because the userinfo endpoint cannot be used
    findAccount: (_context, subject) => {
      const user = findDevelopmentUser(subject);
      if (user === null) return undefined;
      return {
        accountId: user.subject,
        claims: () => ({ sub: user.subject, name: user.name, email: user.email, email_verified: true }),
      };
    },
    extraTokenClaims: (_context, token) => {
      const user = 'accountId' in token ? findDevelopmentUser(token.accountId) : null;
      return user === null ? undefined : { name: user.name, email: user.email };
    },
    interactions: { policy, url: (_context, interaction) => `${signInPath}${interaction.uid}` },
    loadExistingGrant: async (context) => {
      const { client, session, provider } = context.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      grant.addResourceScope(resource, '');
      await grant.save();
      return grant;
    },
    features: features(options, { resource, audience }),
    renderError: (context, out) => {
      context.set(pageHeaders(options.formTargets));
      const messages = [
        `The sign-in service refused a request: ${out.error_description ?? 'it could not be understood'} (${out.error}).`,
        'Nothing was changed. Go to the application and try again.',
      ];
      context.body = messagePage({ title: 'That did not work', messages, home: options.home });
    },
    ttl: {
      AccessToken: 60 * 60,
      AuthorizationCode: 60,
      Grant: 14 * 24 * 60 * 60,
      IdToken: 60 * 60,
      Interaction: 60 * 60,
      Session: 14 * 24 * 60 * 60,
    },
  };
}

function clientMetadata(client: IssuerClient) {
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    grant_types: ['authorization_code'],
    response_types: ['code' as const],
  };
}

/** Cookies are shared by all ports of a host, so the port is part of their names. */
function cookieNames(url: string) {
  const prefix = `opencode_issuer_${new URL(url).port}`;
  return { session: `${prefix}_session`, interaction: `${prefix}_interaction`, resume: `${prefix}_resume` };
}

function features(
  { home, formTargets }: ProviderOptions,
  { resource, audience }: { resource: string; audience: string },
): Configuration['features'] {
  const headers = pageHeaders(formTargets);
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: '',
        audience,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        context.set(headers);
        context.body = signOutPage(form);
      },
      postLogoutSuccessSource: (context) => {
        context.set(headers);
        context.body = messagePage({ title: 'Signed out', messages: ['You are signed out.'], home });
      },
    },
  };
}
