import { Suspense } from 'react';

import { trpc } from '../api/trpc.ts';
import { lazyPart } from './lazy-part.ts';
import { useLazyMenu } from './use-lazy-menu.ts';
import { UserButton } from './UserButton.tsx';

const load = () => import('./UserMenuOpen.tsx');
const UserMenuOpen = lazyPart(async () => (await load()).UserMenuOpen);

/** Who is signed in, and what belongs to the person. */
export function UserMenu() {
  const { data: user } = trpc.auth.me.useQuery();
  const { needed, menu, trigger } = useLazyMenu(load);
  if (user === undefined) return null;
  const plain = <UserButton user={user} {...trigger} />;
  if (!needed) return plain;
  return (
    <Suspense fallback={plain}>
      <UserMenuOpen user={user} {...menu} />
    </Suspense>
  );
}
