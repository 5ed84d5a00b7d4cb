/** The look of code: colours come from the CSS variables of the tab, so that they follow the colour scheme. */

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

import './code-colors.css';

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.self], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.color, tags.unit], color: 'var(--code-number)' },
  { tag: [tags.comment, tags.meta, tags.processingInstruction], color: 'var(--code-comment)' },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName], color: 'var(--code-type)' },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.macroName],
    color: 'var(--code-function)',
  },
  { tag: [tags.propertyName, tags.attributeName, tags.labelName], color: 'var(--code-property)' },
  { tag: tags.heading, fontWeight: '600', color: 'var(--code-keyword)' },
  { tag: [tags.link, tags.url], color: 'var(--code-function)', textDecoration: 'underline' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strong, fontWeight: '600' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: tags.invalid, color: 'var(--mantine-color-error)' },
  { tag: tags.inserted, color: 'var(--tone-ok-fg)' },
  { tag: tags.deleted, color: 'var(--tone-bad-fg)' },
]);

const field = {
  height: '26px',
  margin: '0',
  padding: '0 8px',
  border: '1px solid var(--app-border-strong)',
  borderRadius: '6px',
  background: 'var(--app-surface)',
  backgroundImage: 'none',
  color: 'var(--mantine-color-text)',
  fontFamily: 'var(--mantine-font-family)',
  fontSize: 'var(--mantine-font-size-xs)',
};

/** @param isDark only tells the parts of the library that have colours of their own */
export function codeTheme(isDark: boolean): Extension {
  const theme = EditorView.theme(
    {
      '&': { height: '100%', backgroundColor: 'var(--app-surface)', color: 'var(--mantine-color-text)' },
      '&.cm-focused': { outline: 'none' },
      '.cm-scroller': {
        fontFamily: 'var(--mantine-font-family-monospace)',
        fontSize: '0.8125rem',
        lineHeight: '1.55',
      },
      '.cm-content': { caretColor: 'var(--mantine-color-text)', padding: '6px 0' },
      '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
      '.cm-gutters': { backgroundColor: 'var(--app-surface)', color: 'var(--code-gutter)', border: 'none' },
      '.cm-lineNumbers .cm-gutterElement': { padding: '0 10px 0 14px' },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--code-line)' },
      '.cm-activeLineGutter': { color: 'var(--mantine-color-text)' },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: 'var(--code-selection)',
      },
      '.cm-selectionMatch': { backgroundColor: 'var(--code-match)' },
      '.cm-searchMatch': { backgroundColor: 'var(--code-search)', outline: 'none' },
      '.cm-searchMatch-selected': { backgroundColor: 'var(--code-search-active)' },
      '.cm-panels': { backgroundColor: 'var(--app-canvas)', color: 'var(--mantine-color-text)', border: 'none' },
      '.cm-panels-top': { borderBottom: '1px solid var(--app-border)' },
      '.cm-panel.cm-search': { padding: '8px 34px 8px 10px', fontSize: 'var(--mantine-font-size-xs)' },
      '.cm-panel.cm-search label': {
        display: 'inline-flex',
        alignItems: 'center',
        gap: '4px',
        marginRight: '8px',
        fontSize: 'var(--mantine-font-size-xs)',
        verticalAlign: 'middle',
        whiteSpace: 'nowrap',
      },
      '.cm-panel.cm-search input[type=checkbox]': { margin: '0' },
      '.cm-textfield': { ...field, margin: '2px 6px 2px 0' },
      '.cm-button': { ...field, margin: '2px 6px 2px 0', cursor: 'pointer' },
      '.cm-panel.cm-search [name=close]': {
        top: '6px',
        right: '8px',
        width: '26px',
        height: '26px',
        color: 'inherit',
        fontSize: '18px',
        cursor: 'pointer',
      },
      '.cm-specialChar': { color: 'var(--mantine-color-error)' },
      '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
        backgroundColor: 'var(--code-match)',
        outline: '1px solid var(--app-border-strong)',
      },
    },
    { dark: isDark },
  );
  return [theme, syntaxHighlighting(highlight)];
}
