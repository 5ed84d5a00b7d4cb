/**
 * The claims of Keycloak's tokens, in the shape of the documentation of releases 24 to 26. A test signs them
 * with its own key, because Keycloak does not run here.
 */

import { randomUUID } from 'node:crypto';

import type { JWTPayload } from 'jose';

interface KeycloakPerson {
  /** The id of the user in Keycloak, which is the subject. */
  id: string;
  username: string;
  firstName: string;
  lastName: string;
}

interface Options {
  issuer: string;
  clientId: string;
  person: KeycloakPerson;
}

function common({ issuer, clientId, person }: Options): JWTPayload {
  const iat = Math.floor(Date.now() / 1_000);
  return {
    exp: iat + 300,
    iat,
    auth_time: iat,
    jti: `onrtac:${randomUUID()}`,
    iss: issuer,
    sub: person.id,
    azp: clientId,
    sid: randomUUID(),
    acr: '1',
    email_verified: true,
    name: `${person.firstName} ${person.lastName}`,
    preferred_username: person.username,
    given_name: person.firstName,
    family_name: person.lastName,
    email: `${person.username}@example.test`,
  };
}

/** The audience from an audience mapper. Without one, `aud` of Keycloak is "account" or missing. */
export function keycloakAccessClaims(options: Options & { audience: string | string[] }): JWTPayload {
  return {
    ...common(options),
    aud: options.audience,
    typ: 'Bearer',
    'allowed-origins': ['http://localhost:3080'],
    realm_access: { roles: ['default-roles-opencode', 'offline_access', 'uma_authorization'] },
    resource_access: { account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] } },
    scope: 'openid email profile',
  };
}

export function keycloakIdClaims(options: Options): JWTPayload {
  return { ...common(options), aud: options.clientId, typ: 'ID', at_hash: 'KAc3yJc2wMVUPGYl1QG5Iw' };
}
