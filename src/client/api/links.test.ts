import { createTRPCUntypedClient, httpLink } from '@trpc/client';
import { describe, expect, it } from 'vitest';

import type { AppRouter } from '../../server/router.ts';
import { listProjectsInputSchema } from '../../shared/contract/project.ts';
import { withoutDirection } from './links.ts';

/** The input that reaches the server for a call with this input. */
async function inputSent(input: unknown): Promise<unknown> {
  let sent: unknown;
  const toServer = httpLink<AppRouter>({
    url: 'http://server.test/trpc',
    fetch: async (url) => {
      const text = new URL(new Request(url).url).searchParams.get('input');
      sent = text === null ? undefined : (JSON.parse(text) as unknown);
      return Response.json({ result: { data: null } });
    },
  });
  await createTRPCUntypedClient<AppRouter>({ links: [withoutDirection, toServer] }).query('projects.list', input);
  return sent;
}

describe('the input of a paged list', () => {
  it('loses the direction of paging, which the hooks add and the server refuses', async () => {
    const fromHook = { sort: 'name', cursor: 'after 50', direction: 'forward' };
    expect(listProjectsInputSchema.safeParse(fromHook).success).toBe(false);
    const sent = await inputSent(fromHook);
    expect(sent).toEqual({ sort: 'name', cursor: 'after 50' });
    expect(listProjectsInputSchema.safeParse(sent).success).toBe(true);
  });

  it('is unchanged if it has no direction of paging', async () => {
    expect(await inputSent({ id: '7' })).toEqual({ id: '7' });
    expect(await inputSent(undefined)).toBeUndefined();
  });
});
