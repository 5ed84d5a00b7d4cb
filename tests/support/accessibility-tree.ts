/** What a screen reader gets from Chromium: the nodes of its accessibility tree. */

import type { Page } from 'playwright-core';
import { z } from 'zod';

const valueSchema = z.object({ value: z.unknown().optional() }).optional();
const treeSchema = z.object({
  nodes: z.array(
    z.object({
      ignored: z.boolean(),
      role: valueSchema,
      name: valueSchema,
      description: valueSchema,
      properties: z
        .array(z.object({ name: z.string(), value: z.object({ value: z.unknown().optional() }) }))
        .default([]),
    }),
  ),
});

export interface AccessibleNode {
  role: string;
  name: string;
  description: string;
  /** Such as `level`, `expanded`, `selected`, `live`, `valuetext`. */
  properties: Record<string, unknown>;
}

export async function readAccessibilityTree(page: Page): Promise<AccessibleNode[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const { nodes } = treeSchema.parse(await session.send('Accessibility.getFullAXTree'));
    const text = (value: { value?: unknown } | undefined): string =>
      typeof value?.value === 'string' ? value.value : '';
    return nodes
      .filter(({ ignored }) => !ignored)
      .map(({ role, name, description, properties }) => ({
        role: text(role),
        name: text(name),
        description: text(description),
        properties: Object.fromEntries(properties.map((each) => [each.name, each.value.value])),
      }));
  } finally {
    await session.detach();
  }
}
