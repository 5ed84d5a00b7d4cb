/**
 * Why an image could not be pulled, by the text of the container runtime or of the registry: only the text says so. The rules
 * read it without names and addresses, in this order; the first that matches counts. A text may hold several of the phrases: a
 * wrong architecture ends with "not found", an expired sign-in mentions "denied".
 */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';

export interface ImageCause {
  reason: Exclude<Extract<ReasonCode, `image-${string}`>, 'image-pulling-slow'> | 'node-disk-full';
  /** Follows "The image … of the container …". */
  what: string;
  /** What a person has to do. */
  toDo: string;
  actor?: Actor;
  /** Whether it may pass by itself, so that a person has to act only when it continues. */
  mayPass?: boolean;
}

const checkRegistry = 'an administrator must check the registry and the network';
const trustIt = 'an administrator must correct the certificate, or make the nodes trust it';

const rules: readonly (readonly [RegExp, ImageCause])[] = [
  // containers/image `pkg/shortnames`, used by CRI-O: a name without a registry.
  [
    /short[- ]name|unqualified-search/i,
    {
      reason: 'image-invalid-name',
      what: 'has a name without a registry, and the node does not know where to look for it',
      toDo: 'an administrator must put the registry in front of the name',
    },
  ],
  // distribution/reference.
  [
    /invalid reference format|(?:couldn't|could not|failed to) parse (?:image|reference)|must be lowercase/i,
    {
      reason: 'image-invalid-name',
      what: 'has a name that is not valid',
      toDo: 'an administrator must correct the name in the settings',
    },
  ],
  // ENOSPC and EDQUOT of the node.
  [
    /no space left on device|disk quota exceeded/i,
    {
      reason: 'node-disk-full',
      what: 'could not be stored: the disk of the node (machine) is full',
      toDo: 'an administrator must make room on the node',
    },
  ],
  // Go `crypto/x509`: CertificateInvalidError, HostnameError, UnknownAuthorityError.
  [
    /certificate has expired|not yet valid/i,
    {
      reason: 'image-untrusted',
      what: 'could not be pulled: the certificate of its registry has expired, or the clock of the node is wrong',
      toDo: 'an administrator must renew the certificate, or set the clock',
    },
  ],
  [
    /certificate is (?:not )?valid for|IP SANs|legacy Common Name|certificate name/i,
    {
      reason: 'image-untrusted',
      what: 'could not be pulled: the certificate of its registry is for another name',
      toDo: trustIt,
    },
  ],
  [
    /x509|certificate/i,
    {
      reason: 'image-untrusted',
      what: 'could not be pulled: the certificate of its registry is not trusted',
      toDo: trustIt,
    },
  ],
  // Go `net/http` and `crypto/tls`: a registry without TLS.
  [
    /HTTP response to HTTPS client|does not look like a TLS handshake/i,
    {
      reason: 'image-untrusted',
      what: 'could not be pulled: its registry does not use an encrypted connection (TLS with a certificate)',
      toDo: 'an administrator must give the registry a certificate, or allow it without one on the nodes',
    },
  ],
  // Go `crypto/tls`: the alert of the other side.
  [
    /\btls: |TLS alert/i,
    {
      reason: 'image-untrusted',
      what: 'could not be pulled: its registry and the node (machine) do not agree on an encrypted connection (TLS)',
      toDo: trustIt,
    },
  ],
  // containers/image `signature/policy_eval.go`.
  [
    /signature|image rejected|rejected by policy/i,
    {
      reason: 'image-untrusted',
      what: 'was refused by its node (machine): its signature is missing or not trusted',
      toDo: 'an administrator must sign the image, or change the policy of the nodes',
    },
  ],
  // `pkg/kubelet/images/puller.go`: the limit of the node itself, `registryPullQPS`.
  [
    /pull QPS exceeded/i,
    {
      reason: 'image-rate-limited',
      what: 'has to wait: its node (machine) pulls too many images at once',
      toDo: 'an administrator must raise the limit of the node',
      actor: 'nobody',
      mayPass: true,
    },
  ],
  // Docker Hub, ECR ("Rate exceeded") and every registry that answers 429.
  [
    /toomanyrequests|too many requests|\b429\b|(?:rate|pull) limit|rate exceeded/i,
    {
      reason: 'image-rate-limited',
      what: 'could not be pulled: its registry has received too many requests from this cluster',
      toDo: 'an administrator must sign in at the registry or use a copy of the image',
      mayPass: true,
    },
  ],
  // containerd `images/image.go`, containers/image `internal/manifest`, moby `distribution/pull_v2.go`.
  [
    /no match(?:ing)? (?:for platform|manifest for)|no image found in|no (?:child|manifest) with platform|cannot be used on this platform|specified platform|incompatible with|unsupported platform/i,
    {
      reason: 'image-wrong-platform',
      what: 'has no build for the processor or the operating system of its node (machine)',
      toDo: 'an administrator must push a build for it, or choose other nodes',
    },
  ],
  // containerd removed manifests of schema 1 in 2.0.
  [
    /schema ?(?:version )?1\b|no longer supported|unsupported (?:manifest|media type)/i,
    {
      reason: 'image-pull-failed',
      what: 'has a format that the node (machine) does not support',
      toDo: 'an administrator must build and push it again with a current tool',
    },
  ],
  // containerd `content`, `archive` and `remotes/docker`; Go `archive/tar`, `compress/gzip`, `encoding/json`.
  [
    /unexpected media ?type|invalid (?:tar header|checksum|digest|character)|invalid header|failed (?:size|digest) validation|unexpected commit (?:digest|size)|digest .*(?:mismatch|did not match)|does not match (?:the )?(?:expected |provided |manifest )*digest|unexpected end of JSON|flate|zstd|\bcorrupt/i,
    {
      reason: 'image-pull-failed',
      what: 'could not be pulled: what its registry sent is not a valid image',
      toDo: 'an administrator must push it again, or check what stands between the nodes and the registry',
    },
  ],
  // containerd `plugins/content/local`: the store of the node. The registry was asked before.
  [
    /content digest .*not found/i,
    {
      reason: 'image-pull-failed',
      what: 'could not be unpacked: its node (machine) lacks a part of it',
      toDo: 'an administrator must remove the image from the node, so that it is pulled again',
      mayPass: true,
    },
  ],
  // OCI distribution: BLOB_UNKNOWN. The manifest exists, so the name is right.
  [
    /content (?:at|descriptor) .*not found|blob unknown|(?:fetch|find) (?:layer|blob).*(?:not found|\b404\b)/i,
    {
      reason: 'image-pull-failed',
      what: 'could not be pulled: its registry lacks a part of it',
      toDo: 'an administrator must push it again',
    },
  ],
  // Go `net`: DNSError.
  [
    /no such host|server misbehaving|name resolution|name or service not known/i,
    {
      reason: 'image-unreachable',
      what: 'could not be pulled: the name of its registry is not known to the DNS of the cluster',
      toDo: 'an administrator must check the name of the image, and the DNS of the nodes',
      mayPass: true,
    },
  ],
  [
    /proxyconnect|proxy authentication|\b407\b/i,
    {
      reason: 'image-unreachable',
      what: 'could not be pulled: the proxy of the nodes does not let the request to its registry through',
      toDo: 'an administrator must check the proxy',
      mayPass: true,
    },
  ],
  // A download that began and broke off: containerd cancels one without progress (`image_pull_progress_timeout`).
  [
    /context canceled|\bEOF\b|connection reset|broken pipe|stream error|client connection lost|progress/i,
    {
      reason: 'image-unreachable',
      what: 'could not be pulled: the download from its registry broke off',
      toDo: checkRegistry,
      mayPass: true,
    },
  ],
  [
    /stopped after \d+ redirects|\b5\d\d\b (?:[A-Z]|\()|status(?: code)?:? 5\d\d\b|service unavailable|bad gateway|internal server error|gateway time-?out/i,
    {
      reason: 'image-unreachable',
      what: 'could not be pulled: its registry answers with an error',
      toDo: checkRegistry,
      mayPass: true,
    },
  ],
  [
    /connection refused|no route to host|(?:network|host) is unreachable|i\/o timeout|timed? ?out|deadline exceeded|cannot assign requested address/i,
    {
      reason: 'image-unreachable',
      what: 'could not be pulled: its registry could not be reached or did not answer in time',
      toDo: checkRegistry,
      mayPass: true,
    },
  ],
  // The snapshotter of the node, after the download.
  [
    /failed to (?:extract|register|apply) layer|failed to prepare extraction|failed to (?:mount|create snapshot|prepare snapshot)|read-only file system|input\/output error|applylayer/i,
    {
      reason: 'image-pull-failed',
      what: 'was downloaded, but its node (machine) could not unpack it',
      toDo: 'an administrator must check the disk of the node',
      mayPass: true,
    },
  ],
  // ECR: a token lives for twelve hours.
  [
    /(?:token|credentials?) (?:has|have|is|are) expired|expired token/i,
    {
      reason: 'image-denied',
      what: 'was denied by its registry: the sign-in of the cluster has expired',
      toDo: 'an administrator must renew the pull secret',
    },
  ],
  // Registries hide whether an image exists from those who may not read it.
  [
    /denied|unauthori[sz]ed|not authori[sz]ed|authentication required|authori[sz]ation (?:failed|required)|failed to authori[sz]e|forbidden|no basic auth|insufficient[_ ]scope|invalid username|credentials|\b40[13]\b/i,
    {
      reason: 'image-denied',
      what: 'was denied by its registry: it requires a sign-in that the cluster does not have, or no image has this name',
      toDo: 'an administrator must check the pull secret and the name',
    },
  ],
  // OCI distribution: MANIFEST_UNKNOWN, NAME_UNKNOWN.
  [
    /not found|(?:manifest|name|repository) (?:name )?(?:is )?(?:unknown|not known)|does not exist|no such (?:image|manifest|repository)|\b404\b/i,
    {
      reason: 'image-not-found',
      what: 'was not found in its registry',
      toDo: 'an administrator must correct its name or push it',
    },
  ],
];

/** @param text without the names in it; `null` when no rule knows it */
export function imageCauseOf(text: string): ImageCause | null {
  return rules.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** By the waiting reasons that say the cause themselves: `pkg/kubelet/images/types.go` and `cri-api/pkg/errors`. */
export const imageCauseOfReason: Readonly<Record<string, ImageCause>> = {
  ErrImageNeverPull: {
    reason: 'image-absent',
    what: 'is not on its node (machine), and the settings say that it is never pulled',
    toDo: 'an administrator must load it on the node, or change the pull policy',
  },
  SignatureValidationFailed: {
    reason: 'image-untrusted',
    what: 'was refused by its node (machine): its signature is missing or not trusted',
    toDo: 'an administrator must sign the image, or change the policy of the nodes',
  },
  RegistryUnavailable: {
    reason: 'image-unreachable',
    what: 'could not be pulled: its registry could not be reached or did not answer in time',
    toDo: checkRegistry,
    mayPass: true,
  },
};
