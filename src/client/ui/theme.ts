/** The visual theme: greys, one accent colour, small type, thin borders. */

import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';
import { createElement } from 'react';

const iris: MantineColorsTuple = [
  '#f1f1fe',
  '#e2e2fb',
  '#c6c6f7',
  '#a9a8f1',
  '#8f8dea',
  '#7573e1',
  '#5b5bd6',
  '#5050c4',
  '#4444a8',
  '#343480',
];

const gray: MantineColorsTuple = [
  '#fafafa',
  '#f4f4f5',
  '#ebebed',
  '#dfdfe3',
  '#cfcfd5',
  '#a3a3ad',
  '#65656f',
  '#4a4a53',
  '#2f2f36',
  '#19191c',
];

const dark: MantineColorsTuple = [
  '#ededf0',
  '#c9c9d1',
  '#a0a0ab',
  '#6b6b77',
  '#2c2c33',
  '#222228',
  '#18181c',
  '#111114',
  '#0c0c0e',
  '#070708',
];

const systemFonts =
  '-apple-system, BlinkMacSystemFont, "Segoe UI Variable Text", "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif';

export const theme = createTheme({
  colors: { iris, gray, dark },
  primaryColor: 'iris',
  primaryShade: 6,
  black: '#19191c',
  fontFamily: systemFonts,
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  fontWeights: { regular: '400', medium: '500', bold: '600' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.5' },
  defaultRadius: 'md',
  radius: { xs: '4px', sm: '6px', md: '8px', lg: '10px', xl: '14px' },
  headings: {
    fontFamily: systemFonts,
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '0.9375rem', lineHeight: '1.4' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  cursorType: 'pointer',
  respectReducedMotion: true,
  // By name instead of `Modal.extend`: that would import each component into the first page.
  components: {
    Modal: {
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.5 }, padding: 'lg', radius: 'lg' },
    },
    NativeSelect: {
      defaultProps: {
        size: 'sm',
        rightSection: createElement(IconSelector, { size: 14, stroke: 1.8 }),
        rightSectionPointerEvents: 'none',
      },
    },
    Textarea: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: {
      defaultProps: {
        events: { hover: true, focus: true, touch: true },
        openDelay: 150,
        multiline: true,
        maw: 300,
        color: 'dark.5',
        fz: 'xs',
        px: 'sm',
        py: 6,
      },
    },
  },
});

/** Colours that differ by scheme. The colours of project states are in `styles.css`. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#65656f',
    '--mantine-color-placeholder': '#74747e',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#4a4ac0',
    '--mantine-color-default-border': '#e2e2e6',
  },
  dark: {
    '--mantine-color-dimmed': '#a0a0ab',
    '--mantine-color-placeholder': '#8a8a96',
    '--mantine-color-error': '#ff8f85',
    '--mantine-color-anchor': '#b0aeff',
    '--mantine-color-default-border': '#2c2c33',
  },
});
