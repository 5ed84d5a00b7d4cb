import { useLocalStorage } from '@mantine/hooks';

/** Whether long lines are wrapped. The choice is kept in this browser. */
export function useWrapping() {
  return useLocalStorage<boolean>({
    key: 'wrap-lines',
    defaultValue: false,
    getInitialValueInEffect: false,
    serialize: (wraps) => (wraps ? 'on' : 'off'),
    deserialize: (text) => text === 'on',
  });
}
