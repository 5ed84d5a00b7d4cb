import { Suspense, useEffect, useEffectEvent, useState } from 'react';
import { useNavigate } from 'react-router';

import { lazyPart } from '../ui/lazy-part.ts';
import { useOnceTrue } from '../ui/use-once-true.ts';
import { createShortcutReader, takesLetters, type ShortcutAction } from './shortcuts.ts';
import { singleKeysOn } from './single-keys.ts';

const CommandPalette = lazyPart(async () => (await import('./CommandPalette.tsx')).CommandPalette);
const ShortcutSheet = lazyPart(async () => (await import('./ShortcutSheet.tsx')).ShortcutSheet);

export interface CommandsProps {
  paletteOpened: boolean;
  onPalette: (opened: boolean) => void;
}

/** Listens for shortcuts wherever the person is, and holds what they open. */
export function Commands({ paletteOpened, onPalette }: CommandsProps) {
  const navigate = useNavigate();
  const [helpOpened, setHelpOpened] = useState(false);
  const needsPalette = useOnceTrue(paletteOpened);
  const needsHelp = useOnceTrue(helpOpened);

  const act = useEffectEvent((action: ShortcutAction): void => {
    switch (action) {
      case 'palette':
        onPalette(!paletteOpened);
        break;
      case 'help':
        setHelpOpened(true);
        break;
      case 'search':
        void focusSearch(navigate);
        break;
      case 'new-project':
        void navigate('/projects?new');
        break;
      case 'go-projects':
        void navigate('/projects');
        break;
      case 'go-settings':
        void navigate('/settings/profile');
        break;
    }
  });

  useEffect(() => {
    const read = createShortcutReader({ now: () => performance.now() });
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const action = read(event, { singleKeys: singleKeysOn() && !takesLetters(event.target) });
      if (action === null) return;
      event.preventDefault();
      act(action);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);

  return (
    <Suspense>
      {needsPalette && (
        <CommandPalette opened={paletteOpened} onClose={() => onPalette(false)} onHelp={() => setHelpOpened(true)} />
      )}
      {needsHelp && <ShortcutSheet opened={helpOpened} onClose={() => setHelpOpened(false)} />}
    </Suspense>
  );
}

/** The search of the projects page, which may have to be opened first. */
async function focusSearch(navigate: (to: string) => void | Promise<void>): Promise<void> {
  if (searchField() === null) {
    await navigate('/projects');
    // The page takes the focus to its own start as it appears.
    await new Promise(requestAnimationFrame);
  }
  searchField()?.focus();
}

const searchField = () => document.querySelector<HTMLElement>('input[type="search"]');
