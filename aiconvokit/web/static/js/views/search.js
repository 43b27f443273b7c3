// Search only: the passages that an answer would be made from, without a model.

import { get, post } from "../api.js";
import { button, empty, failed, into, link, skeleton, title, toast, told } from "../components.js";
import { fill, h, isAbort } from "../dom.js";
import { icon } from "../icons.js";
import { sidePanel } from "../panel.js";
import { proof } from "../proof.js";
import { rename } from "../router.js";
import { number, t } from "../texts.js";

const WANTED = 20;

export async function search({ root, params, query, signal }) {
  root.classList.add("full");
  const frame = h("div.search-layout");
  const panel = sidePanel(frame, signal);
  const input = h("input", { type: "search", name: "q", value: query.q ?? "", placeholder: t("search.placeholder"), "aria-label": t("search.title"), maxlength: 1000 });
  const results = h("div.results", { "aria-live": "polite" });
  const name = h("p.lead", {}, t("search.text"));
  const run = async () => {
    const words = input.value.trim();
    if (!words) return;
    rename(`/assistants/${params.id}/search?q=${encodeURIComponent(words)}`);
    const load = () => post(`/assistants/${params.id}/search/`, { query: words, limit: WANTED }, signal);
    await into(results, load, (found) => draw(found.results, (one, opener) => open(panel, params.id, one, opener)), { shape: () => skeleton(4, "block"), signal });
  };
  const line = h("form.search-line", { role: "search", onsubmit: (event) => { event.preventDefault(); run(); } }, input, button(t("search.submit"), null, { kind: "primary", type: "submit", symbol: "look" }));
  fill(root, fill(frame,
    h("div.search-main", {}, h("div.page.narrow", {},
      h("p.back", {}, link(t("search.back"), `/assistants/${params.id}/chat`, { symbol: "left" })),
      title(t("search.title")), name, line, results)),
    panel.element));
  input.focus();
  if (query.q) run();
  try {
    name.textContent = t("search.of", { name: (await get(`/assistants/${params.id}/`, signal)).name });
  } catch (error) {
    const back = { text: t("assistants.back"), path: "/assistants" };
    if (error.status === 404) fill(root, h("div.page", {}, failed(error, null, back)));
    else if (!isAbort(error)) toast(told(error), "error");
  }
}

function draw(found, show) {
  if (!found.length) return empty("look", t("search.nothing"), t("search.nothing.text"));
  return h("ol.found-list", {}, found.map((one) => {
    const opener = button(t("search.open"), () => show(one, opener), { kind: "quiet", symbol: "open" });
    return h("li.result", {},
      h("div.result-head", {}, icon("file"), h("span.result-name", {}, one.filename), h("span.source-page", {}, t("proof.p", { page: one.page })), h("span.value", { title: t("search.score") }, number(one.score, { minimumFractionDigits: 2, maximumFractionDigits: 2 }))),
      one.heading && h("p.heading-path", {}, one.heading),
      h("p.result-text", {}, one.text),
      opener);
  }));
}

/** Open a passage's page, with its words marked where they are found again on it. */
function open(panel, assistantId, one, opener) {
  panel.open(one.filename, (signal) => {
    const place = h("div.panel-fill");
    const where = `/assistants/${assistantId}/documents/${one.document_id}/pages/${one.page}/`;
    into(place, () => get(where, signal), (page) => {
      const at = page.text.indexOf(one.text);
      const start = Array.from(page.text.slice(0, Math.max(at, 0))).length;
      const marks = at < 0 ? {} : { start, end: start + Array.from(one.text).length };
      return proof(assistantId, { ...one, ...marks }, signal);
    }, { signal });
    return place;
  }, opener);
}
