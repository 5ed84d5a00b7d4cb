/** Switches between the light and the dark theme. The system's setting applies until the first click. */

import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun } from '@tabler/icons-react';

import { HeaderTooltip } from './HeaderTooltip.tsx';

export function ColorSchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const current = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const next = current === 'dark' ? 'light' : 'dark';
  const label = `Switch to the ${next} theme`;
  return (
    <HeaderTooltip label={label}>
      {(props) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          size={32}
          aria-label={label}
          onClick={() => setColorScheme(next)}
          {...props}
        >
          {current === 'dark' ? <IconSun size={18} stroke={1.6} /> : <IconMoon size={18} stroke={1.6} />}
        </ActionIcon>
      )}
    </HeaderTooltip>
  );
}
