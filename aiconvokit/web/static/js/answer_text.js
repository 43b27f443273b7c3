// The words of an answer: as they come, and as the server has rendered and cleaned them.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { has, t } from "./texts.js";
import { tip } from "./tips.js";

/** The button of a citation in the text. */
export function mark(citation, open) {
  const element = h("button.mark", { type: "button", onclick: () => open(citation, element) }, String(citation.index));
  element.setAttribute("aria-label", t("mark.name", citation));
  return element;
}

// What is more than a word while words come: "**", a line's end (no bold goes beyond it), and "[n]".
const SIGNS = /(\*\*|\n|\[\d+\])/;

/**
 * Words that come piece by piece: text only, never HTML. `[n]` becomes a button where that citation
 * is known; a piece may end in the middle of a sign, which is then kept back.
 */
export function growing(open) {
  const element = h("div.prose.growing");
  const citations = new Map();
  let held = "";
  let place = element;
  const write = (text) => {
    for (const piece of text.split(SIGNS)) {
      const citation = piece.startsWith("[") ? citations.get(Number(piece.slice(1, -1))) : null;
      if (piece === "**") {
        place = place === element ? element.appendChild(h("strong")) : element;
        continue;
      }
      if (piece === "\n") place = element;
      place.append(citation ? mark(citation, open) : piece);
    }
  };
  return {
    element,
    cite: (citation) => citations.set(citation.index, citation),
    add(text) {
      const whole = held + text;
      const cut = /(\[\d*|\*+)$/.exec(whole)?.index ?? whole.length;
      held = whole.slice(cut);
      write(whole.slice(0, cut));
    },
    clear() {
      held = "";
      place = element;
      citations.clear();
      fill(element);
    },
  };
}

/** An answer in plain text, whole. */
export function plain(content, citations, open) {
  const words = growing(open);
  citations.forEach(words.cite);
  words.add(`${content}\n`); // nothing more comes that a sign could be a part of
  return words.element;
}

/**
 * An answer as the server rendered it. It was sanitised there; a template runs nothing, and the
 * policy of the page lets nothing of it load.
 */
export function rendered(html, citations, open) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const element = h("div.prose");
  element.append(template.content);
  for (const anchor of element.querySelectorAll("a.mark")) {
    const citation = citations.find((one) => one.index === Number(anchor.dataset.index));
    anchor.replaceWith(citation ? mark(citation, open) : `[${anchor.textContent}]`);
  }
  for (const table of element.querySelectorAll("table")) {
    const scroller = h("div.table", { tabindex: "0", role: "region", "aria-label": t("answer.table") });
    table.replaceWith(scroller);
    scroller.append(table);
  }
  doubt(element);
  return element;
}

/** Say of unsupported words why they are marked: to who points, who tabs, and who listens. */
function doubt(element) {
  for (const span of element.querySelectorAll('span.unsupported[data-reason="not_a_claim"]')) {
    span.replaceWith(...span.childNodes);
  }
  const spans = [...element.querySelectorAll("span.unsupported")];
  for (const [at, span] of spans.entries()) {
    if (spans[at + 1] && goesOn(span, spans[at + 1])) continue;
    const key = `unsupported.${span.dataset.reason}`;
    const why = has(key) ? t(key) : t("unsupported.no_match");
    span.after(tip(h("button.doubt", { type: "button", "aria-label": t("unsupported.name") }, icon("alert")), why));
  }
}

const BLOCK = "p, li, td, th, h3, h4, h5, h6, blockquote";

/** Whether two spans are parts of one doubt: markup divides them, but no other words. */
function goesOn(span, other) {
  if (span.dataset.reason !== other.dataset.reason || span.closest(BLOCK) !== other.closest(BLOCK)) return false;
  const between = document.createRange();
  between.setStartAfter(span);
  between.setEndBefore(other);
  return [...between.cloneContents().childNodes].every((one) => one.className === "host" || !one.textContent.trim());
}
