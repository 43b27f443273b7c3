// The interface's words: one file per language, chosen here or by the browser.

const KEY = "aiconvokit.language";
export const LANGUAGES = { en: "English", de: "Deutsch" };

let words = {};
let current = "en";

/** The language in use, `en` or `de`. */
export const language = () => current;

/** What was chosen: `auto` follows the browser. */
export const chosen = () => localStorage.getItem(KEY) ?? "auto";

export function choose(name) {
  if (name === "auto") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, name);
}

function wanted() {
  const candidates = [chosen(), ...navigator.languages].map((one) => one.slice(0, 2).toLowerCase());
  return candidates.find((one) => one in LANGUAGES) ?? "en";
}

/** Fetch the words; everything else waits for them. */
export async function load() {
  current = wanted();
  const response = await fetch(new URL(`../texts/${current}.json`, import.meta.url));
  if (!response.ok) throw new Error(`texts: ${response.status}`);
  words = await response.json();
  document.documentElement.lang = current;
}

/** A text by key, `{name}` replaced; a key that is missing shows itself. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether there is a text for a key. */
export const has = (key) => key in words;

/** A text that depends on a number: `key.one` or `key.other`, with `{n}`. */
export function tn(key, n, values = {}) {
  const form = new Intl.PluralRules(current).select(n) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { n: number(n), ...values });
}

/** A sentence of the server in the interface's language, where it is known. */
export function sentence(text) {
  return words.sentences?.[text] ?? text;
}

export const number = (value, options = {}) => new Intl.NumberFormat(current, options).format(value);

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(3, Math.floor(Math.log(Math.max(count, 1)) / Math.log(1000)));
  const value = count / 1000 ** step;
  const digits = value < 10 && step > 0 ? 1 : 0;
  return number(value, { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: digits });
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
