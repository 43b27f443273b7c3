// All assistants as cards.

import { list } from "../api.js";
import { badge, button, empty, into, link, skeleton, title } from "../components.js";
import { h } from "../dom.js";
import { t, tn } from "../texts.js";

export async function assistants({ root, signal }) {
  const cards = h("div");
  root.append(
    h("div.page", {},
      h("div.page-head", {}, title(t("assistants.title")), link(t("assistants.new"), "/assistants/new", { kind: "primary", symbol: "plus" })),
      cards),
  );
  await into(cards, () => list("/assistants/?limit=60", signal), (found) => draw(found, signal), { shape: () => skeleton(3, "card"), signal });
}

function draw({ items, next }, signal) {
  if (!items.length) {
    const make = link(t("assistants.new"), "/assistants/new", { kind: "primary", symbol: "plus" });
    return empty("book", t("assistants.empty"), t("assistants.empty.text"), make);
  }
  const grid = h("ul.cards", {}, items.map(card));
  const more = next && button(t("action.more"), async () => {
    const part = await list(next, signal);
    grid.append(...part.items.map(card));
    if (part.next) next = part.next;
    else more.remove();
  });
  return h("div", {}, grid, more && h("p.more", {}, more));
}

function card(one) {
  return h(
    "li.card",
    {},
    h("div.card-head", {},
      h("h2", {}, h("a.card-link", { href: `#/assistants/${one.id}/chat` }, one.name)),
      h("p.card-company", {}, one.company_name)),
    h("p.card-state", {}, state(one.documents)),
    h("p.card-numbers", {}, tn("assistants.documents", one.documents.length), " · ", tn("assistants.questions", one.query_count)),
    h("div.card-actions", {},
      link(t("assistants.ask"), `/assistants/${one.id}/chat`, { kind: "soft", symbol: "chats" }),
      link(t("assistants.edit"), `/assistants/${one.id}/edit`, { kind: "quiet", symbol: "edit" }),
      link(t("assistants.search"), `/assistants/${one.id}/search`, { kind: "quiet", symbol: "look" })),
  );
}

/** What the documents are doing, the worst first. */
function state(documents) {
  const count = (...states) => documents.filter((one) => states.includes(one.status)).length;
  const failed = count("failed");
  const working = count("queued", "processing");
  const ready = count("ready");
  return [
    failed > 0 && badge(tn("assistants.failed", failed), "bad"),
    working > 0 && badge(tn("assistants.working", working), "busy"),
    ready > 0 && badge(tn("assistants.ready", ready), "good"),
    documents.length === 0 && badge(t("assistants.none")),
  ];
}
