// Access tokens: made with a name and an end, shown once, revoked.

import { listAll, post, remove } from "../api.js";
import { badge, button, copy, into, skeleton, toast } from "../components.js";
import { confirm, open } from "../dialog.js";
import { fill, h } from "../dom.js";
import { field, form, select, text } from "../form.js";
import { ago, date, t } from "../texts.js";

const DAYS = [30, 90, 365];

export function tokens({ root, signal }) {
  const place = h("div");
  const load = () => into(place, () => listAll("/tokens/?limit=500", signal), (found) => draw(found, load), { shape: () => skeleton(3, "block"), signal });
  fill(root, h("section.block", {},
    h("div.block-head", {}, h("h2", {}, t("settings.tokens")), button(t("tokens.new"), () => make(load), { kind: "primary", symbol: "plus" })),
    h("p.hint", {}, t("tokens.text")), place));
  load();
}

function draw(found, reload) {
  const named = found.filter((one) => one.name);
  const logins = found.filter((one) => !one.name);
  return [
    h("h3", {}, t("tokens.named")),
    named.length ? h("ul.rows", {}, named.map((one) => row(one, reload))) : h("p.none", {}, t("tokens.none")),
    h("h3", {}, t("tokens.logins")),
    h("ul.rows", {}, logins.map((one) => row(one, reload))),
  ];
}

function row(one, reload) {
  const name = one.name ?? t("tokens.login");
  const drop = () => confirm(t("tokens.revoke"), t("tokens.revoke.text", { name, hint: one.hint }), t("tokens.revoke"), async () => {
    await remove(`/tokens/${one.id}/`);
    toast(t("tokens.revoked"));
    reload();
  });
  const ends = one.expires_at && (new Date(one.expires_at) < new Date() ? badge(t("tokens.expired"), "bad") : h("span", {}, t("tokens.until", { date: date(one.expires_at) })));
  return h("li.row", {},
    h("div.row-body", {}, h("p.row-name", {}, name, " ", h("code", {}, `…${one.hint}`)),
      h("p.hint", {}, t("tokens.used", { ago: ago(one.last_used_at), date: date(one.created_at) }), ends && [" · ", ends])),
    button(t("tokens.revoke"), drop, { kind: "quiet" }));
}

async function make(reload) {
  const made = await open(t("tokens.new"), (close) => {
    const options = [...DAYS.map((days) => [days, t("tokens.days", { days })]), ["", t("tokens.never")]];
    const fields = [
      field("name", t("tokens.name"), text({ required: true, maxlength: 100, autofocus: true }), t("tokens.name.hint")),
      field("expires_in_days", t("tokens.expires"), select(options, 90)),
    ];
    const actions = [button(t("action.cancel"), () => close(), { kind: "quiet" }), button(t("tokens.make"), null, { kind: "primary", type: "submit" })];
    return form(fields, actions, async (values) => {
      const days = values.expires_in_days ? Number(values.expires_in_days) : null;
      close(await post("/users/me/tokens/", { name: values.name, expires_in_days: days }));
    });
  });
  if (!made) return;
  reload();
  await open(t("tokens.made"), (close) => [
    h("p", {}, t("tokens.once")),
    h("pre.secret", { tabindex: "0" }, made.token),
    h("div.actions", {}, button(t("action.copy"), () => copy(made.token), { kind: "primary", symbol: "copy" }), button(t("action.done"), () => close())),
  ]);
}
