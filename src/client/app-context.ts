/** Gives components access to the services that `createApp` builds. */

import { createContext, use } from 'react';

import type { AppServices } from './app.ts';

export const AppContext = createContext<AppServices | null>(null);

/** Returns the services of this window. @throws Error outside of `AppContext` */
export function useApp(): AppServices {
  const services = use(AppContext);
  if (services === null) throw new Error('useApp was called outside of AppContext. Wrap the component in it.');
  return services;
}
