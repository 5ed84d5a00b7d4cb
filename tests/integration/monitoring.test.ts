/** The alert rules and the dashboard under k8s/monitoring/: each uses metrics that exist, and each alert has a runbook section. */

import { readFileSync } from 'node:fs';

import { loadYaml } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createGatewayMetrics } from '../../src/gateway/metrics.ts';
import { createMetrics } from '../../src/server/health/metrics.ts';
import { createWorkerMetrics } from '../../src/worker/metrics.ts';

const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const alerts = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({ alert: z.string(), expr: z.string(), annotations: z.record(z.string(), z.string()) }),
        ),
      }),
    ),
  })
  .parse(loadYaml(file('k8s/monitoring/alerts.yaml')))
  .groups.flatMap(({ rules }) => rules);
const panels = z
  .object({ panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })) })
  .parse(JSON.parse(file('k8s/monitoring/dashboard.json'))).panels;

/** The names of the metrics that server, gateway and worker expose. */
async function listMetrics(): Promise<Set<string>> {
  const server = createMetrics({
    subscriptionCount: () => 0,
    socketCount: () => 0,
    lastHeartbeatAgeSeconds: () => null,
  });
  const all = [
    ...(await server.registry.getMetricsAsJSON()),
    ...(await createGatewayMetrics(() => 0).registry.getMetricsAsJSON()),
    ...(await createWorkerMetrics().registry.getMetricsAsJSON()),
  ];
  return new Set(all.map(({ name }) => name));
}
const namesIn = (expression: string) =>
  [...expression.matchAll(/\b(?:opencode|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, ''));

describe('alert rules and dashboard', () => {
  it('use only metrics that server, gateway and worker expose', async () => {
    const known = await listMetrics();
    const used = [...alerts, ...panels.flatMap(({ targets }) => targets)].flatMap(({ expr }) => namesIn(expr));
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('use every metric of ours', async () => {
    const used = new Set([...alerts, ...panels.flatMap(({ targets }) => targets)].flatMap(({ expr }) => namesIn(expr)));
    const ours = [...(await listMetrics())].filter((name) => name.startsWith('opencode_'));
    expect(ours.filter((name) => !used.has(name))).toEqual([]);
  });

  it('show in a panel what an alert watches', () => {
    const shown = new Set(panels.flatMap(({ targets }) => targets).flatMap(({ expr }) => namesIn(expr)));
    const watched = alerts.flatMap(({ expr }) => namesIn(expr));
    expect(watched.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('link each alert to its section of the runbook', () => {
    const headings = [...file('docs/operations/runbook.md').matchAll(/^#{2,4} (.+)$/gm)].map(([, title]) => title);
    for (const { alert, annotations } of alerts) {
      expect(headings).toContain(alert);
      expect(annotations['runbook']).toBe(`docs/operations/runbook.md#${alert.toLowerCase()}`);
    }
  });
});
