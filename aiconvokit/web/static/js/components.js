// The parts that every view is made of: buttons, states, notices.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { sentence, t, has } from "./texts.js";

/** A button with text; `kind` is one of "primary", "quiet", "danger" or "". */
export function button(text, onclick, { kind = "", symbol, type = "button", ...rest } = {}) {
  return h(`button.button${kind ? `.${kind}` : ""}`, { type, onclick, ...rest }, symbol && icon(symbol), h("span", {}, text));
}

/** A button that is an icon; its name is told to screen readers and shown as a tip. */
export function iconButton(symbol, name, onclick, attributes = {}) {
  return h("button.icon-button", { type: "button", "aria-label": name, title: name, onclick, ...attributes }, icon(symbol));
}

export function link(text, path, { kind = "", symbol } = {}) {
  return h(`a${kind ? `.button.${kind}` : ""}`, { href: `#${path}` }, symbol && icon(symbol), h("span", {}, text));
}

/** Run something with a button that cannot be pressed a second time until it is over. */
export async function busy(element, work) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    element.removeAttribute("aria-busy");
  }
}

/** What went wrong as a sentence, and what to do about it. */
export function told(error) {
  const advice = has(`advice.${error.code}`) ? t(`advice.${error.code}`) : "";
  return [what(error), advice].filter(Boolean).join(" ");
}

function what(error) {
  if (error.status === undefined) return t("error.page");
  const fields = Object.values(error.fields ?? {}).flat();
  return fields.length ? fields.map((one) => sentence(one) ?? one).join(" ") : said(error);
}

/**
 * What the server said. A sentence that we do not know is shown where a code tells that it is the
 * server's own; any other is a framework's or a proxy's, for programmers: the status says enough.
 */
function said({ message, status, code }) {
  const known = message && sentence(message);
  if (known) return known;
  if (message && code && !code.startsWith("http_")) return message;
  if (!status) return "";
  return has(`error.${status}`) ? t(`error.${status}`) : t("error.status", { status });
}

/**
 * An error in the place of what could not be shown, with a way to try again; from what is not there
 * at all there is a way back, where one is given: { text, path }.
 */
export function failed(error, retry, back) {
  const isGone = back && error.status === 404;
  return h(
    "div.state.failed",
    { role: "alert" },
    icon("alert"),
    h("p", {}, told(error)),
    isGone ? link(back.text, back.path, { kind: "soft", symbol: "left" }) : retry && button(t("action.retry"), retry, { symbol: "retry" }),
  );
}

export function empty(symbol, title, text, action) {
  return h("div.state.empty", {}, h("div.medallion", {}, icon(symbol)), h("h2", {}, title), h("p", {}, text), action);
}

/** Grey shapes while something comes; screen readers hear one word. */
export function skeleton(count = 3, kind = "line") {
  const shapes = Array.from({ length: count }, () => h(`div.skeleton.${kind}`));
  return h("div.skeletons", { role: "status" }, h("span.sr", {}, t("state.loading")), shapes);
}

/**
 * Fetch, then draw into a place: a skeleton before, an error with "try again" instead.
 * `load` is called anew for each try; `back` is where to go when there is nothing, see `failed`.
 */
export async function into(place, load, draw, { shape = () => skeleton(), signal, back } = {}) {
  fill(place, shape());
  try {
    const found = await load();
    if (signal?.aborted) return;
    fill(place, draw(found));
  } catch (error) {
    if (signal?.aborted) return;
    fill(place, failed(error, () => into(place, load, draw, { shape, signal, back }), back));
  }
}

export function badge(text, kind = "") {
  return h(`span.badge${kind ? `.${kind}` : ""}`, {}, text);
}

/** A bar of progress from 0 to 1; without a value it only says that something goes on. */
export function bar(name, value) {
  const inner = h("div.bar-inner");
  const outer = h("div.bar", { role: "progressbar", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 }, inner);
  outer.set = (part) => {
    if (part === null || part === undefined) outer.removeAttribute("aria-valuenow");
    else outer.setAttribute("aria-valuenow", Math.round(part * 100));
    outer.classList.toggle("endless", part === null || part === undefined);
    inner.style.width = `${(part ?? 0) * 100}%`;
  };
  outer.set(value);
  return outer;
}

let region = null;

/** A short notice that goes away by itself; errors stay longer. */
export function toast(text, kind = "") {
  region ??= document.body.appendChild(h("div.toasts", { role: "status", "aria-live": "polite" }));
  const one = h(`div.toast${kind ? `.${kind}` : ""}`, {}, icon(kind === "error" ? "alert" : "check"), h("span", {}, text));
  region.append(one);
  setTimeout(() => one.remove(), kind === "error" ? 9000 : 4000);
}

let live = null;

/** Say something to screen readers only. */
export function announce(text) {
  live ??= document.body.appendChild(h("div.sr", { "aria-live": "polite", "aria-atomic": "true" }));
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50); // the same text twice is told twice
}

/** Copy a text and say so. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("action.copied"));
  } catch {
    toast(t("error.copy"), "error");
  }
}

export function title(text) {
  document.title = text ? `${text} · AIConvoKit` : "AIConvoKit";
  return h("h1", {}, text);
}
