/** The credentials of the embedded API: a certificate authority, a server certificate and a bearer token. */

import { X509Certificate, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { generate, type CertificateExtension } from 'selfsigned';
import { z } from 'zod';

const schema = z.object({
  caCertificate: z.string(),
  serverCertificate: z.string(),
  serverKey: z.string(),
  token: z.string(),
});

/** The certificate and key of the API, and the only bearer token that it accepts. */
export type Credentials = z.infer<typeof schema>;

/**
 * Loads the credentials from a folder. Creates new ones when there are none, or when the certificate expires within a
 * month. Earlier kubeconfig files do not work with new credentials, so the old ones are kept as long as possible.
 */
export async function loadCredentials(directory: string, hosts: readonly string[]): Promise<Credentials> {
  const file = path.join(directory, 'credentials.json');
  const kept = readKept(file);
  if (kept !== undefined && isValidFor(kept, hosts)) return kept;
  const created = await createCredentials(hosts, kept?.token);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writePrivately(file, JSON.stringify(created));
  return created;
}

/** Replaces a file in one step. Only the owner may read it. */
export function writePrivately(file: string, content: string): void {
  const temporary = `${file}.part`;
  writeFileSync(temporary, content, { mode: 0o600 });
  // The mode above is only applied to a new file, not to one that a crash has left.
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}

function readKept(file: string): Credentials | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // New credentials replace a broken file.
    return undefined;
  }
}

function isValidFor(credentials: Credentials, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(credentials.serverCertificate);
  const monthMs = 30 * 24 * 3600 * 1000;
  return (
    Date.parse(certificate.validTo) > Date.now() + monthMs &&
    hosts.every((host) => certificate.checkHost(host) !== undefined || certificate.checkIP(host) !== undefined)
  );
}

async function createCredentials(hosts: readonly string[], token: string | undefined): Promise<Credentials> {
  const nowMs = Date.now();
  const validity = {
    // One hour ago, in case the clocks of two machines differ a little.
    notBeforeDate: new Date(nowMs - 3600 * 1000),
    notAfterDate: new Date(nowMs + 5 * 365 * 24 * 3600 * 1000),
    keyType: 'ec' as const,
    curve: 'P-256' as const,
    algorithm: 'sha256',
  };
  const authority = await generate([{ name: 'commonName', value: 'opencode-embedded-ca' }], {
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  });
  const altNames: CertificateExtension = {
    name: 'subjectAltName',
    altNames: hosts.map((host) => (/^[\d.]+$|:/.test(host) ? { type: 7, ip: host } : { type: 2, value: host })),
  };
  const server = await generate([{ name: 'commonName', value: 'opencode-embedded-kubernetes' }], {
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      altNames,
    ],
    ca: { key: authority.private, cert: authority.cert },
  });
  return {
    caCertificate: authority.cert,
    serverCertificate: server.cert,
    serverKey: server.private,
    token: token ?? randomBytes(32).toString('base64url'),
  };
}
