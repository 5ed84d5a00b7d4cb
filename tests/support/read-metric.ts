/**
 * Reads a metric from Prometheus' text format: the sum of its samples that have these labels, 0 when none has them.
 *
 * @throws Error when there is no metric of that name, so that a misspelt name is not read as 0
 */
export function readMetric(text: string, name: string, labels: Record<string, string> = {}): number {
  const known = [...text.matchAll(/^# TYPE (\S+) /gm)].some(
    ([, type = '']) => name === type || [`${type}_count`, `${type}_sum`, `${type}_bucket`].includes(name),
  );
  if (!known) throw new Error(`There is no metric "${name}".`);
  const desired = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let sum = 0;
  for (const [, sample, pairs = '', value] of text.matchAll(/^([\w:]+)(?:\{(.*)\})? (\S+)$/gm)) {
    if (sample === name && desired.every((pair) => `,${pairs},`.includes(`,${pair},`))) sum += Number(value);
  }
  return sum;
}
