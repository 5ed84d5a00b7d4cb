/** The example of docs/operations/pod-template.md. */

import { readFileSync } from 'node:fs';

export function podTemplateExample(): string {
  const page = readFileSync(new URL('../../docs/operations/pod-template.md', import.meta.url), 'utf8');
  const example = /```yaml\n([^]*?)```/.exec(page)?.[1];
  if (example === undefined) throw new Error('The page has no example.');
  return example;
}
