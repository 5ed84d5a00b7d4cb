/**
 * The texts of Kubernetes, container runtimes and registries. They may be read for a more specific cause only without the
 * names in them, because names are chosen by people: an image may be called `denied/not-found`.
 */

const url = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'\]),]+/gi;
/** A quoted word is a name. A quoted sentence is a text, for example the message in a JSON body. */
const quotedWord = /\\?"[^"\s]*"|'[^'\s]*'|`[^`\s]*`/g;
/** Hosts, host paths and image names, with a port or a tag: `registry.example.com:5000/team/app:v1`. */
const hostOrPath = /\b[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:\/[^\s"',;\])]*[^\s"',;:.\])])?/g;
const filePath = /(^|[\s(=])\/[^\s"',;:)]+/g;

/** Longer texts hold a list or a stack. Their cause is at the beginning. */
const longestRead = 4_000;

/** @param names further names that the text may contain, such as the image of the container */
export function withoutNames(text: string, names: string[] = []): string {
  const known = names.filter((name) => name !== '').toSorted((a, b) => b.length - a.length);
  let bare = text.slice(0, longestRead);
  for (const name of known) bare = bare.replaceAll(name, ' ');
  return bare
    .replace(url, ' ')
    .replace(quotedWord, ' ')
    .replace(hostOrPath, ' ')
    .replace(filePath, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The parts that every program on the way adds in front of the cause. */
const wrappers = [
  /^rpc error$/i,
  /^error$/i,
  /^error response from daemon$/i,
  /^internal error occurred$/i,
  /^back-off pulling image$/i,
  /^(?:err|image)\w*(?:pull|backoff)\w*$/i,
  /^pod was rejected$/i,
  /^[\w.]+ is (?:forbidden|invalid)$/i,
  /^failed to (?:create containerd (?:task|container)|create shim task|start container|pull image|pull and unpack image|resolve (?:image|reference))$/i,
  /^(?:oci runtime|runc|crun|container_linux\S*|process_linux\S*) ?(?:create failed|error|failed|caused)?$/i,
  /^(?:starting|unable to start) container process(?: caused)?$/i,
  /^failed to generate container spec$/i,
  /^failed to (?:start|create|run) (?:pod )?sandbox(?: container| task)?$/i,
  /^error during container init$/i,
  /^unable to pull image or OCI artifact$/i,
  /^pull image err$/i,
  /^(?:initializing source|copying system image from manifest list)$/i,
];
const identifier = /\b(?:sha256:)?(?:[0-9a-f]{8}-[0-9a-f-]{20,}|[0-9a-f]{16,})\b/gi;
const longestQuote = 170;

/** The part of a text that says what happened: without the wrappers in front, identifiers and line breaks. */
export function meaningfulPart(text: string): string {
  const line = text.slice(0, longestRead).replace(identifier, '…').replace(/\s+/g, ' ').trim();
  const parts = line.split(/: /);
  while (parts.length > 1 && isWrapper(parts[0] ?? '')) {
    parts.shift();
    parts[0] = (parts[0] ?? '').replace(/^code = \w+ desc = /i, '');
  }
  const part = parts.join(': ').replace(/[\s.:;,]+$/, '');
  if (part.length <= longestQuote) return part;
  // Programs write the step first and the cause last.
  const last = / [^:]*: ([^:]{8,})$/.exec(part)?.[1] ?? '';
  const end = last.length <= longestQuote / 2 ? last : '';
  const begin = part.slice(0, longestQuote - end.length).replace(/\s+\S*$/, '');
  return `${begin} …${end === '' ? '' : ` ${end}`}`;
}

function isWrapper(part: string): boolean {
  // The object or the image that a wrapper names is known already.
  const bare = withoutNames(part);
  return wrappers.some((wrapper) => wrapper.test(bare));
}

/** For a cause that no rule knows: `Kubernetes reports: "…".`, or nothing when it says nothing. */
export function quoted(text: string | undefined, by = 'Kubernetes reports'): string {
  const part = meaningfulPart(text ?? '').replaceAll('"', "'");
  return part === '' ? '' : `${by}: "${part}".`;
}

/**
 * The next step when no rule knows the cause. Whoever can act is not known then either: an administrator is only the one who can
 * see the cluster.
 * @param where for example "the volume and the node"
 */
export const causeUnknown = (where: string) =>
  `The cause is not known, nor who must act. An administrator can check ${where}.`;
