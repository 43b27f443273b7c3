// Look inside: how an answer came about, from its receipt.

import { get } from "./api.js";
import { badge, into, skeleton } from "./components.js";
import { h } from "./dom.js";
import { number, seconds, t } from "./texts.js";

/** The content of the panel; `open(passage, opener)` shows a passage's page. */
export function inside(chatId, message, open, signal) {
  const place = h("div");
  const load = () => get(`/chat/${chatId}/messages/${message.id}/receipt/`, signal);
  into(place, load, (receipt) => draw(receipt, message, open), { shape: () => skeleton(5, "block"), signal });
  return place;
}

function draw(receipt, message, open) {
  return [
    receipt.redacted && h("p.note", {}, t("inside.redacted")),
    facts(receipt, message),
    times(receipt.milliseconds),
    passages(receipt.passages, open),
    receipt.messages.length > 0 && prompt(receipt.messages),
  ];
}

function facts(receipt) {
  const usage = receipt.usage;
  const rows = [
    [t("inside.model"), receipt.model === "extractive" ? t("answer.extractive") : receipt.model],
    [t("inside.tokens"), usage && t("inside.tokens.both", { read: number(usage.prompt_tokens), written: number(usage.completion_tokens) })],
    [t("inside.space"), receipt.space && `${receipt.space.model} (${receipt.space.dim})`],
    [t("inside.rewritten"), receipt.rewritten],
  ];
  return h("dl.facts", {}, rows.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

const PARTS = ["rewrite", "search", "model", "attribution", "extract"];

/** The time by part, as one bar and as a list. */
function times(milliseconds) {
  const total = milliseconds?.total;
  if (!total) return null;
  const parts = PARTS.filter((one) => milliseconds[one] > 0).map((one) => [one, milliseconds[one]]);
  const other = total - parts.reduce((sum, [, value]) => sum + value, 0);
  if (other > total / 100) parts.push(["other", other]);
  const segments = parts.map(([name, value]) => {
    const segment = h(`div.segment.part-${name}`);
    segment.style.flexGrow = value;
    return segment;
  });
  const items = parts.map(([name, value]) => h("li", {}, h(`span.dot.part-${name}`, { "aria-hidden": "true" }), t(`inside.part.${name}`), " ", h("span.value", {}, seconds(value))));
  return h("section", {}, h("h3", {}, t("inside.time"), " ", h("span.value", {}, seconds(total))), h("div.segments", { "aria-hidden": "true" }, segments), h("ul.parts", {}, items));
}

function passages(found, open) {
  if (!found.length) return h("section", {}, h("h3", {}, t("inside.passages")), h("p.hint", {}, t("inside.none")));
  const best = Math.max(...found.map((one) => one.lexical), 0);
  return h("section", {}, h("h3", {}, t("inside.passages")), h("p.hint", {}, t("inside.legs")),
    h("ol.passages", {}, found.map((one) => passage(one, best, open))));
}

function passage(one, best, open) {
  const opener = h("button.link", { type: "button", onclick: () => open(one, opener) }, one.filename ?? t("inside.deleted"), " · ", t("proof.p", { page: one.page }));
  return h(`li.passage${one.sent ? "" : ".cut"}`, {},
    h("div.passage-head", {}, h("span.rank", {}, String(one.rank)), one.filename ? opener : t("inside.deleted"), badge(t(one.sent ? "inside.used" : "inside.cut"), one.sent ? "good" : "")),
    one.heading && h("p.heading-path", {}, one.heading),
    h("div.scores", {},
      score(t("inside.score"), one.score, one.score),
      score(t("inside.dense"), one.dense, one.dense),
      score(t("inside.lexical"), one.lexical, best ? one.lexical / best : 0)));
}

function score(name, value, part) {
  const inner = h("div.score-inner");
  inner.style.width = `${Math.max(0, Math.min(1, part ?? 0)) * 100}%`;
  return h("div.score", {}, h("span", {}, name), h("div.score-bar", { "aria-hidden": "true" }, inner), h("span.value", {}, value === null ? "–" : number(value, { maximumFractionDigits: 2 })));
}

function prompt(messages) {
  return h("section", {}, h("h3", {}, t("inside.prompt")), h("p.hint", {}, t("inside.prompt.hint")),
    messages.map((one) => h("details.prompt", {}, h("summary", {}, t("inside.role", { role: one.role, n: number(one.content.length) })), h("pre", { tabindex: "0" }, one.content))));
}
