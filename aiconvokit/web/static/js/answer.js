// One answer in a conversation: its words, its sources, and what can be done with it.

import { copy, iconButton, told } from "./components.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { growing, plain, rendered } from "./answer_text.js";
import { button } from "./components.js";
import { seconds, t, tn } from "./texts.js";

/**
 * The element of an answer. `on` has proof(citation, opener), inside(messageId, opener), retry().
 * It is written to while the answer comes, then shown whole.
 */
export function answerView(on) {
  const words = h("div.answer-words");
  const notes = h("div.answer-notes");
  const element = h("article.message.answer", { "aria-label": t("answer.name") }, h("div.face", { "aria-hidden": "true" }, icon("quote")), h("div.message-body", {}, words, notes));
  let live = null;

  return {
    element,
    begin() {
      live = growing(on.proof);
      element.classList.add("writing");
      fill(words, live.element);
      fill(notes, h("p.thinking", {}, h("span.dots", { "aria-hidden": "true" }), t("answer.searching")));
    },
    found(passages) {
      fill(notes, h("p.thinking", {}, h("span.dots", { "aria-hidden": "true" }), tn("answer.reading", passages)));
    },
    cite: (citation) => live.cite(citation),
    add(text) {
      live.add(text);
      if (notes.childElementCount) fill(notes);
    },
    restart: () => live.clear(),
    show(message) {
      element.classList.remove("writing");
      element.dataset.message = message.id;
      draw(message, words, notes, on);
    },
    fail(error) {
      element.classList.remove("writing");
      fill(notes, problem(told(error), on.retry));
    },
  };
}

/** What `done` says, as a message of the chat has it. */
export const fromDone = (done) => ({ ...done, id: done.message_id, content: done.output, status: "complete", error: null });

function draw(message, words, notes, on) {
  if (message.status === "redacted") {
    fill(words, h("p.redacted", {}, t("answer.redacted")));
  } else if (message.html) {
    fill(words, rendered(message.html, message.citations, on.proof));
  } else if (message.content) {
    fill(words, plain(message.content, message.citations, on.proof));
  } else {
    fill(words);
  }
  fill(notes, trouble(message, on), sources(message, on), words.querySelector(".unsupported") && legend(), actions(message, on));
}

function trouble(message, on) {
  if (message.status === "failed") return problem(told(errorOf(message)), on.retry);
  if (message.status === "interrupted") return problem(t(message.content ? "answer.interrupted" : "answer.interrupted.early"), on.retry);
  if (message.finish_reason === "length") return problem(t("answer.cut"), null);
  if (message.status !== "in_progress") return null;
  return h("p.thinking", {}, h("span.dots", { "aria-hidden": "true" }), t("answer.going_on"));
}

/** A failed message keeps a code, or a code with its sentence. */
function errorOf({ error }) {
  const code = typeof error === "string" ? error : error?.code;
  return { status: 502, code, message: error?.detail ?? t("answer.failed") };
}

function problem(text, retry) {
  return h("div.problem-box", { role: "alert" }, icon("alert"), h("p", {}, text), retry && button(t("action.retry"), retry, { symbol: "retry" }));
}

function sources(message, on) {
  if (message.status === "redacted" || !message.citations.length) return null;
  const items = message.citations.map((one) => {
    const opener = h("button.source", { type: "button", onclick: () => on.proof(one, opener), title: one.quote ?? "" },
      h("span.source-number", {}, String(one.index)),
      h("span.source-name", {}, one.filename),
      h("span.source-page", {}, t("proof.p", { page: one.page })),
      one.stale && h("span.badge", {}, t("proof.stale.short")));
    return h("li", {}, opener);
  });
  return h("div.sources", {}, h("h3", {}, t("answer.sources")), h("ol", {}, items));
}

const legend = () => h("p.legend", {}, h("span.unsupported", {}, t("unsupported.legend.sample")), " ", t("unsupported.legend"));

function actions(message, on) {
  if (message.status === "in_progress") return null;
  const inside = iconButton("layers", t("answer.inside"), () => on.inside(message, inside));
  const total = message.milliseconds?.total;
  const facts = [message.model === "extractive" ? t("answer.extractive") : message.model, total && seconds(total)];
  return h("div.answer-actions", {},
    message.content && iconButton("copy", t("answer.copy"), () => copy(withSources(message))),
    on.retry && iconButton("retry", t("answer.again"), on.retry),
    inside,
    rating(message.rating),
    h("span.answer-facts", {}, facts.filter(Boolean).join(" · ")));
}

/** A visitor's thumb, in transcripts. */
const rating = (value) =>
  value && h("span.thumb", { title: t(value > 0 ? "rating.up" : "rating.down") }, icon(value > 0 ? "up" : "down"), h("span.sr", {}, t(value > 0 ? "rating.up" : "rating.down")));

function withSources({ content, citations }) {
  const lines = citations.map((one) => `[${one.index}] ${one.filename}, ${t("proof.p", { page: one.page })}`);
  return [content, lines.join("\n")].filter(Boolean).join("\n\n");
}
