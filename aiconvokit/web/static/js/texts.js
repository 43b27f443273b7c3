// The interface's words: one file per language, chosen here or by the browser.

import { local } from "./storage.js";

const KEY = "aiconvokit.language";
export const LANGUAGES = { en: "English", de: "Deutsch" };

let words = {};
let patterns = []; // of the server's sentences with `{name}` in them: [RegExp, key]
let current = "en";

/** The language in use, `en` or `de`. */
export const language = () => current;

/** What was chosen: `auto` follows the browser. */
export const chosen = () => local.getItem(KEY) ?? "auto";

export function choose(name) {
  if (name === "auto") local.removeItem(KEY);
  else local.setItem(KEY, name);
}

function wanted() {
  const candidates = [chosen(), ...navigator.languages].map((one) => one.slice(0, 2).toLowerCase());
  return candidates.find((one) => one in LANGUAGES) ?? "en";
}

/** Fetch the words; everything else waits for them. */
export async function load() {
  const next = wanted();
  const response = await fetch(new URL(`../texts/${next}.json`, import.meta.url));
  if (!response.ok) throw new Error(`texts: ${response.status}`);
  words = await response.json();
  current = next;
  patterns = Object.keys(words.sentences).filter((key) => key.includes("{")).map((key) => [patternOf(key), key]);
  document.documentElement.lang = current;
}

const PLACE = /\{(\w+)\}/g;
const filled = (text, values) => text.replace(PLACE, (whole, name) => String(values[name] ?? whole));

/** A text by key, `{name}` replaced; a key that is missing shows itself. */
export const t = (key, values = {}) => filled(words[key] ?? key, values);

/** Whether there is a text for a key. */
export const has = (key) => key in words;

/** A text that depends on a number: `key.one` or `key.other`, with `{n}`. */
export function tn(key, n, values = {}) {
  const form = new Intl.PluralRules(current).select(n) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { n: number(n), ...values });
}

function patternOf(key) {
  const source = key.replace(/[.*+?^$()[\]\\|/]/g, "\\$&").replace(PLACE, "(?<$1>.+?)");
  return new RegExp(`^${source}$`);
}

// What stands for some names in a sentence is said in another way, too.
const SAID = { bytes: (value) => size(Number(value)), sentence: (value) => sentence(value) ?? value };

/**
 * A sentence of the server in the interface's language, or null where it is none that we know:
 * `sentences` of a language holds them, whole or with `{name}` for what differs.
 */
export function sentence(text) {
  if (Object.hasOwn(words.sentences, text)) return words.sentences[text];
  for (const [pattern, key] of patterns) {
    const found = pattern.exec(text)?.groups;
    if (found) {
      const values = Object.entries(found).map(([name, value]) => [name, SAID[name]?.(value) ?? value]);
      return filled(words.sentences[key], Object.fromEntries(values));
    }
  }
  return null;
}

export const number = (value, options = {}) => new Intl.NumberFormat(current, options).format(value);

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(3, Math.floor(Math.log(Math.max(count, 1)) / Math.log(1000)));
  const value = count / 1000 ** step;
  const digits = value < 10 && step > 0 ? 1 : 0;
  return number(value, { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: digits });
}

const BINARY = ["bytes", "KiB", "MiB", "GiB"];

/** A limit in bytes, which servers count in powers of two: "50 MiB". */
export function size(count) {
  const step = count < 1 ? 0 : Math.min(BINARY.length - 1, Math.floor(Math.log2(count) / 10));
  return `${number(count / 1024 ** step, { maximumFractionDigits: 1 })} ${BINARY[step]}`;
}

export function seconds(milliseconds) {
  if (milliseconds < 1000) return `${number(Math.round(milliseconds))} ms`;
  return `${number(milliseconds / 1000, { maximumFractionDigits: 1 })} s`;
}

/** A day such as "2026-11-22", the same everywhere. */
export const day = (written) =>
  new Intl.DateTimeFormat(current, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(written));

export const date = (stamp) =>
  new Intl.DateTimeFormat(current, { dateStyle: "medium" }).format(new Date(stamp));

const STEPS = [
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
];

/** "5 minutes ago"; after a week the date. */
export function ago(stamp) {
  const past = (Date.now() - new Date(stamp)) / 1000;
  if (past > 7 * 86_400) return date(stamp);
  if (past < 60) return t("time.now");
  const [unit, length] = STEPS.findLast(([, one]) => past >= one);
  const format = new Intl.RelativeTimeFormat(current, { numeric: "auto" });
  return format.format(-Math.floor(past / length), unit);
}
