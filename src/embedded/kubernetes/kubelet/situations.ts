/**
 * What befalls a container, chosen by the last part of its image's name (`registry.example.com/team/crash:v1` → `crash:v1`).
 * A word of the table must stand there whole, between separators. So anybody can try a failure by naming an image:
 *
 * | word           | what happens                                                                   |
 * |----------------|--------------------------------------------------------------------------------|
 * | not-found      | the registry does not know the image: ErrImagePull, then ImagePullBackOff       |
 * | denied         | the registry refuses the image: the same                                       |
 * | unreachable    | the registry's name cannot be resolved: the same                                |
 * | rate-limited   | the registry answers 429: the same                                              |
 * | slow-pull      | pulling takes a minute                                                          |
 * | config-error   | a ConfigMap key is missing: CreateContainerConfigError                          |
 * | crash          | exits with 1 shortly after each start: CrashLoopBackOff                         |
 * | exit-N         | exits with N shortly after each start (`exit-0` counts as completed)            |
 * | crash-once     | exits with 1 once, then runs                                                    |
 * | oom            | is killed for its memory (137, OOMKilled) shortly after each start              |
 * | never-started  | its startup probe never succeeds                                                |
 * | never-ready    | its readiness probe never succeeds                                              |
 * | liveness       | becomes ready; its liveness probe then fails and it is restarted                |
 * | unschedulable  | no node is large enough for the pod                                             |
 */
export interface Situation {
  pull?: { failure: string } | { isSlow: true };
  createError?: { reason: string; message: string };
  exit?: { code: number; reason: 'Error' | 'OOMKilled' | 'Completed'; onlyOnce?: boolean };
  failingProbe?: 'startup' | 'readiness' | 'liveness';
  /** What the scheduler says about nodes, as in `1 Insufficient cpu`. */
  unschedulable?: string;
}

const resolveFailure = (image: string, why: string): string =>
  `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${why}`;

const table: readonly (readonly [word: RegExp, situation: (image: string, match: RegExpExecArray) => Situation])[] = [
  [
    whole('not-found'),
    (image) => ({
      pull: { failure: `rpc error: code = NotFound desc = ${resolveFailure(image, `${image}: not found`)}` },
    }),
  ],
  [
    whole('denied'),
    (image) => ({
      pull: {
        failure: `rpc error: code = Unknown desc = ${resolveFailure(image, 'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed')}`,
      },
    }),
  ],
  [
    whole('unreachable'),
    (image) => ({
      pull: {
        failure: `rpc error: code = Unknown desc = ${resolveFailure(image, `failed to do request: Head "https://${hostOf(image)}/v2/": dial tcp: lookup ${hostOf(image)}: no such host`)}`,
      },
    }),
  ],
  [
    whole('rate-limited'),
    (image) => ({
      pull: {
        failure: `rpc error: code = Unknown desc = ${resolveFailure(image, 'unexpected status code 429 Too Many Requests: toomanyrequests: You have reached your pull rate limit')}`,
      },
    }),
  ],
  [whole('slow-pull'), () => ({ pull: { isSlow: true } })],
  [
    whole('config-error'),
    () => ({
      createError: {
        reason: 'CreateContainerConfigError',
        message: "couldn't find key settings in ConfigMap opencode/opencode-config",
      },
    }),
  ],
  [whole('crash-once'), () => ({ exit: { code: 1, reason: 'Error', onlyOnce: true } })],
  [whole('crash'), () => ({ exit: { code: 1, reason: 'Error' } })],
  [
    whole('exit-(\\d{1,3})'),
    (_image, match) => {
      const code = Math.min(255, Number(match[1]));
      return { exit: { code, reason: code === 0 ? 'Completed' : 'Error' } };
    },
  ],
  [whole('oom'), () => ({ exit: { code: 137, reason: 'OOMKilled' } })],
  [whole('never-started'), () => ({ failingProbe: 'startup' })],
  [whole('never-ready'), () => ({ failingProbe: 'readiness' })],
  [whole('liveness'), () => ({ failingProbe: 'liveness' })],
  [whole('unschedulable'), () => ({ unschedulable: '1 Insufficient cpu' })],
];

function whole(word: string): RegExp {
  return new RegExp(`(?:^|[:._-])${word}(?:$|[:._-])`);
}

function hostOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  return image.includes('/') && /[.:]/.test(first) ? first : 'registry-1.docker.io';
}

/** What befalls a container of this image; an empty answer means that it runs well. */
export function situationOf(image: string): Situation {
  const lastPart = image.split('@')[0]?.split('/').at(-1) ?? '';
  for (const [word, situation] of table) {
    const match = word.exec(lastPart);
    if (match !== null) return situation(image, match);
  }
  return {};
}
