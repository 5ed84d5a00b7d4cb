/** How components reach what `createApp` built. */

import { createContext, use } from 'react';

import type { AppServices } from './app.ts';

export const AppContext = createContext<AppServices | null>(null);

/** The services of this window. Throws outside of the application, where there are none. */
export function useApp(): AppServices {
  const services = use(AppContext);
  if (services === null) throw new Error('useApp was called outside of AppContext. Wrap the component in it.');
  return services;
}
