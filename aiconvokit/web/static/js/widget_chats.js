// What visitors asked through a widget, with their thumbs.

import { answerView } from "./answer.js";
import { get, list } from "./api.js";
import { button, empty, into, link, skeleton } from "./components.js";
import { open } from "./dialog.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { inside } from "./inside.js";
import { proof } from "./proof.js";
import { ago, number, t, tn } from "./texts.js";

/** The transcripts of a widget. */
export function widgetChats(widget, signal) {
  const place = h("div");
  const load = () => list(`/widgets/${widget.id}/chats/?limit=50`, signal);
  into(place, load, (found) => draw(found, widget, signal), { shape: () => skeleton(4, "block"), signal });
  return h("div", {},
    h("p.back", {}, link(widget.title || t("widgets.untitled"), `/settings/widgets/${widget.id}`, { symbol: "left" })),
    h("section.block", {}, h("div.block-head", {}, h("h2", {}, t("widgets.chats"))), h("p.hint", {}, t("widgets.chats.text")), place));
}

function draw({ items, next }, widget, signal) {
  if (!items.length) return empty("chats", t("widgets.chats.empty"), t("widgets.chats.empty.text"));
  const rows = h("ul.rows", {}, items.map((one) => row(one, widget)));
  const more = next && button(t("action.more"), async () => {
    const part = await list(next, signal);
    rows.append(...part.items.map((one) => row(one, widget)));
    next = part.next;
    if (!next) more.remove();
  });
  return [rows, more && h("p.more", {}, more)];
}

function row(one, widget) {
  const thumbs = [["up", one.thumbs_up], ["down", one.thumbs_down]].map(([name, count]) =>
    h("span.thumb", {}, icon(name), h("span.sr", {}, t(`rating.${name}`)), number(count)));
  return h("li.row", {},
    h("div.row-body", {}, h("p.row-name", {}, one.title || t("chats.untitled")),
      h("p.hint", {}, [tn("widgets.messages", one.messages), ago(one.updated_at)].join(" · "))),
    h("div.row-actions", {},
      h("div.thumbs", {}, thumbs),
      button(t("widgets.read"), () => read(one, widget), { kind: "quiet" })));
}

function read(one, widget) {
  const stop = new AbortController();
  const closed = open(one.title || t("chats.untitled"), () => {
    const place = h("div.log");
    into(place, () => get(`/chat/${one.id}/?html=true&limit=200`, stop.signal), (chat) => chat.messages.map((message) => shown(message, one.id, widget)), { shape: () => skeleton(4, "block"), signal: stop.signal });
    return place;
  }, { wide: true });
  closed.finally(() => stop.abort());
}

function shown(message, chatId, widget) {
  if (message.role === "user") return h("article.message.question", { "aria-label": t("question.name") }, h("div.message-body", {}, message.content));
  const show = (name, build) => {
    const stop = new AbortController();
    open(name, () => h("div", {}, build(stop.signal)), { wide: true }).finally(() => stop.abort());
  };
  const view = answerView({
    proof: (citation) => show(citation.filename, (signal) => proof(widget.assistant_id, citation, signal)),
    inside: (found) => show(t("inside.title"), (signal) => inside(chatId, found, (passage) => show(passage.filename, (other) => proof(widget.assistant_id, passage, other)), signal)),
  });
  view.show(message);
  return view.element;
}
