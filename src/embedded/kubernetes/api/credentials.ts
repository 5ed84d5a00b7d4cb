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

/** What the API proves itself with, and the one bearer token that it accepts. */
export type Credentials = z.infer<typeof schema>;

/**
 * The credentials kept in a folder; made anew when there are none, or when the certificate runs out within a month.
 * A new set makes earlier kubeconfig files useless, so the old one is kept as long as possible.
 */
export async function loadCredentials(directory: string, hosts: readonly string[]): Promise<Credentials> {
  const file = path.join(directory, 'credentials.json');
  const kept = readKept(file);
  if (kept !== undefined && isGoodFor(kept, hosts)) return kept;
  const made = await makeCredentials(hosts, kept?.token);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writePrivately(file, JSON.stringify(made));
  return made;
}

/** Replaces a file in one step; only the owner may read it. */
export function writePrivately(file: string, content: string): void {
  const temporary = `${file}.part`;
  writeFileSync(temporary, content, { mode: 0o600 });
  // The mode above holds for new files only; a left-over of a crash keeps its own.
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}

function readKept(file: string): Credentials | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // A broken file is as good as none: new credentials replace it.
    return undefined;
  }
}

function isGoodFor(credentials: Credentials, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(credentials.serverCertificate);
  const monthMs = 30 * 24 * 3600 * 1000;
  return (
    Date.parse(certificate.validTo) > Date.now() + monthMs &&
    hosts.every((host) => certificate.checkHost(host) !== undefined || certificate.checkIP(host) !== undefined)
  );
}

async function makeCredentials(hosts: readonly string[], token: string | undefined): Promise<Credentials> {
  const now = Date.now();
  const validity = {
    // An hour back, for clocks that disagree a little.
    notBeforeDate: new Date(now - 3600 * 1000),
    notAfterDate: new Date(now + 5 * 365 * 24 * 3600 * 1000),
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
