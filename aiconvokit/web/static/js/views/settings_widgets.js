// Widgets: the list of them; each has a form, a preview and transcripts.

import { get, listAll } from "../api.js";
import { badge, button, empty, into, link, skeleton, copy } from "../components.js";
import { fill, h } from "../dom.js";
import { ago, number, t, tn } from "../texts.js";
import { widgetChats } from "../widget_chats.js";
import { widgetForm } from "../widget_form.js";

export function widgets({ root, params, signal }) {
  const place = h("div");
  fill(root, place);
  const shape = { shape: () => skeleton(3, "block"), signal, back: { text: t("settings.widgets"), path: "/settings/widgets" } };
  if (params.item === "new") {
    return into(place, () => listAll("/assistants/?limit=500", signal), (found) => widgetForm(null, found), shape);
  }
  if (!params.item) return into(place, () => both(signal), draw, shape);
  if (params.part === "chats") return into(place, () => get(`/widgets/${params.item}/`, signal), (one) => widgetChats(one, signal), shape);
  const load = async () => [await get(`/widgets/${params.item}/`, signal), await listAll("/assistants/?limit=500", signal)];
  return into(place, load, ([one, all]) => widgetForm(one, all), shape);
}

const both = async (signal) => [await listAll("/widgets/?limit=500", signal), await listAll("/assistants/?limit=500", signal)];

function draw([found, assistants]) {
  const fresh = link(t("widgets.new"), "/settings/widgets/new", { kind: "primary", symbol: "plus" });
  if (!found.length) return h("section.block", {}, h("h2", {}, t("settings.widgets")), empty("window", t("widgets.empty"), t("widgets.empty.text"), fresh));
  return h("section.block", {},
    h("div.block-head", {}, h("h2", {}, t("settings.widgets")), fresh),
    h("p.hint", {}, t("widgets.text")),
    h("ul.rows", {}, found.map((one) => row(one, assistants))));
}

function row(one, assistants) {
  const assistant = assistants.find((other) => other.id === one.assistant_id);
  const swatch = h("span.swatch", { "aria-hidden": "true" });
  swatch.style.backgroundColor = one.color;
  return h("li.row", {}, swatch,
    h("div.row-body", {},
      h("p.row-name", {}, h("a", { href: `#/settings/widgets/${one.id}` }, one.title || assistant?.name || t("widgets.untitled")), " ",
        one.is_paused && badge(t("widgets.paused"), "bad"), !one.origins.length && badge(t("widgets.nowhere"), "busy")),
      h("p.hint", {}, [assistant?.name, one.origins.slice(0, 2).join(", "), tn("widgets.messages", one.usage.messages), t("widgets.tokens", { n: number(one.usage.tokens) }), ago(one.updated_at)].filter(Boolean).join(" · "))),
    h("div.row-actions", {},
      button(t("widgets.copy"), () => copy(one.snippet), { kind: "quiet", symbol: "copy" }),
      link(t("widgets.chats"), `/settings/widgets/${one.id}/chats`, { kind: "quiet", symbol: "chats" })));
}
