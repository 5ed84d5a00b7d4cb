/** The typed hooks of the API. Only the router's type is imported from the server. */

import { createTRPCReact } from '@trpc/react-query';

import type { AppRouter } from '../../server/router.ts';

export const trpc = createTRPCReact<AppRouter>();
