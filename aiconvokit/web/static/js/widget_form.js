// A widget's form: what it shows, where it may stand, and what it may spend.

import { post, put, remove } from "./api.js";
import { button, copy, link, toast } from "./components.js";
import { confirm } from "./dialog.js";
import { h } from "./dom.js";
import { area, check, field, form, select, text } from "./form.js";
import { go } from "./router.js";
import { number, t } from "./texts.js";

const DEFAULTS = {
  title: "", color: "#1f5fbf", greeting: "", suggestions: [], language: "auto", origins: [], shows_pictures: false, is_paused: false,
  messages_per_day: 1000, tokens_per_day: 2_000_000, visitor_messages_per_day: 50, visitor_tokens_per_day: 200_000,
};
const BUDGETS = ["messages_per_day", "tokens_per_day", "visitor_messages_per_day", "visitor_tokens_per_day"];

const lines = (value) => value.split("\n").map((one) => one.trim()).filter(Boolean);

/** The form of a widget, or of a new one (null). */
export function widgetForm(one, assistants) {
  const known = one ?? { ...DEFAULTS, assistant_id: assistants[0]?.id };
  const send = async (values) => {
    const body = { ...values, assistant_id: Number(values.assistant_id), origins: lines(values.origins), suggestions: lines(values.suggestions) };
    if (!values.title) delete body.title; // an empty one is refused, without one the server has its own
    for (const name of BUDGETS) body[name] = Number(body[name]);
    const kept = one ? await put(`/widgets/${one.id}/`, body) : await post("/widgets/", body);
    toast(t("action.saved"));
    if (one) frame?.contentWindow.location.reload();
    else go(`/settings/widgets/${kept.id}`);
  };
  const actions = [link(t("action.cancel"), "/settings/widgets", { kind: "quiet" }), button(t(one ? "action.save" : "widgets.make"), null, { kind: "primary", type: "submit" })];
  const frame = one && preview(one);
  return h("div", {},
    h("p.back", {}, link(t("settings.widgets"), "/settings/widgets", { symbol: "left" })),
    h("h2", {}, one ? one.title || t("widgets.untitled") : t("widgets.new")),
    one && snippet(one),
    form(fields(known, assistants), actions, send, { class: "card-form" }),
    one && h("section.block", {}, h("h3", {}, t("widgets.preview")), h("p.hint", {}, t("widgets.preview.text")), frame),
    one && danger(one));
}

function fields(one, assistants) {
  return [
    h("fieldset", {}, h("legend", {}, t("widgets.looks")),
      field("assistant_id", t("widgets.assistant"), select(assistants.map((other) => [other.id, other.name]), one.assistant_id)),
      h("div.columns", {},
        field("title", t("widgets.title"), text({ value: one.title, maxlength: 100 })),
        field("color", t("widgets.color"), text({ type: "color", value: one.color }))),
      field("greeting", t("widgets.greeting"), area({ rows: 2, maxlength: 500 }, one.greeting)),
      field("suggestions", t("widgets.suggestions"), area({ rows: 3 }, one.suggestions.join("\n")), t("widgets.suggestions.hint")),
      field("language", t("widgets.language"), select([["auto", t("widgets.language.auto")], ["en", "English"], ["de", "Deutsch"]], one.language)),
      check("shows_pictures", t("widgets.pictures"), one.shows_pictures, t("widgets.pictures.hint"))),
    h("fieldset", {}, h("legend", {}, t("widgets.where")),
      field("origins", t("widgets.origins"), area({ rows: 3, spellcheck: "false", placeholder: "https://www.example.org" }, one.origins.join("\n")), t("widgets.origins.hint")),
      check("is_paused", t("widgets.pause"), one.is_paused, t("widgets.pause.hint"))),
    h("fieldset", {}, h("legend", {}, t("widgets.budgets")),
      h("p.hint", {}, t("widgets.budgets.hint")),
      h("div.columns", {}, BUDGETS.map((name) => field(name, t(`widgets.${name}`), text({ type: "number", min: 0, step: 1, value: one[name], inputmode: "numeric" })))),
      one.usage && h("p.hint", {}, t("widgets.spent", { messages: number(one.usage.messages), tokens: number(one.usage.tokens) }))),
  ];
}

function snippet(one) {
  return h("section.block.snippet-block", {},
    h("h3", {}, t("widgets.snippet")), h("p.hint", {}, t("widgets.snippet.text")),
    h("pre.secret", { tabindex: "0" }, one.snippet.split(/(data-key)/).map((part) => (part === "data-key" ? h("span.whole", {}, part) : part))),
    h("div.actions", {}, button(t("action.copy"), () => copy(one.snippet), { kind: "primary", symbol: "copy" }), link(t("widgets.chats"), `/settings/widgets/${one.id}/chats`, { kind: "soft", symbol: "chats" })));
}

const preview = (one) => h("iframe.preview", { src: `/widget/preview?key=${encodeURIComponent(one.key)}`, title: t("widgets.preview"), loading: "lazy" });

function danger(one) {
  const drop = () => confirm(t("widgets.delete"), t("widgets.delete.text"), t("action.delete"), async () => {
    await remove(`/widgets/${one.id}/`);
    go("/settings/widgets");
  });
  return h("section.block.danger-zone", {}, h("h3", {}, t("widgets.delete")), h("p", {}, t("widgets.delete.text")), button(t("widgets.delete"), drop, { kind: "danger", symbol: "trash" }));
}
