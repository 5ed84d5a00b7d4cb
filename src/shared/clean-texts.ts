/**
 * Cleans what the cluster and the pods say, in the places where it enters the worker. Texts may come from a program in a
 * container, so they may hold anything. PostgreSQL stores neither a NUL byte nor half of a surrogate pair, and nobody reads a
 * megabyte.
 */

import type { z } from 'zod';

/** Longer than any text that Kubernetes itself writes, such as a termination message of 4,096 bytes. */
const longestText = 8_000;
/** Control characters except tab and line break. */
// oxlint-disable-next-line no-control-regex -- these are the characters to replace
const controlCharacters = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

/** @param longest the longest result, in characters; 8,000 unless given */
export function cleanText(text: string, longest = longestText): string {
  const short = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return short.replace(/\r\n/g, '\n').replace(controlCharacters, ' ').toWellFormed();
}

/** The schema of an object of the cluster, whose texts are clean after it was parsed. */
export function withCleanTexts<T extends z.ZodType>(schema: T) {
  return schema.transform((value) => cleanTexts(value));
}

function cleanTexts<T>(value: T): T {
  return cleanValue(value) as T; // it only changes the content of texts
}

function cleanValue(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanValue);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [cleanText(key), cleanValue(each)]));
}
