// Log in, or make the first account.

import { post } from "../api.js";
import { button, title } from "../components.js";
import { fill, h } from "../dom.js";
import { handTo } from "../drafts.js";
import { check, field, form, text } from "../form.js";
import { icon } from "../icons.js";
import { after, go } from "../router.js";
import { MAY_REGISTER } from "../server.js";
import { keep, wasHere } from "../session.js";
import { IS_BLOCKED } from "../storage.js";
import { t } from "../texts.js";

export function login({ root, query }) {
  const card = h("section.login-card");
  const brand = h("p.brand", {}, h("span.brand-mark", { "aria-hidden": "true" }, icon("chats")), h("span", {}, "AIConvoKit"));
  const promise = h("p.login-promise", {}, t("login.promise"));
  fill(root, h("div.login", {}, h("div.login-head", {}, brand, promise), IS_BLOCKED && h("p.note", {}, t("storage.blocked")), card));
  const show = (isNew) => {
    fill(card, isNew ? newAccount(query, () => show(false)) : known(query, () => show(true)));
    card.querySelector("input").focus();
  };
  // Who was on the way somewhere has an account.
  show(Boolean(query.invitation) || (MAY_REGISTER && !wasHere() && !query.next));
}

function known(query, other) {
  const send = async (values) => {
    const { token } = await post("/tokens/", { username: values.username, password: values.password });
    enter(token, values, query);
  };
  const fields = [name(), password("current-password"), check("stay", t("login.stay"), true)];
  const actions = [button(t("login.submit"), null, { kind: "primary", type: "submit" })];
  const way = MAY_REGISTER || query.invitation
    ? h("p.other-way", {}, t("login.none"), " ", h("button.link", { type: "button", onclick: other }, t("login.create")))
    : h("p.other-way", {}, t("login.closed"), " ", h("code", {}, "aiconvokit users create NAME"));
  return [title(t("login.title")), form(fields, actions, send), way];
}

function newAccount(query, other) {
  const send = async (values) => {
    const login = { username: values.username, password: values.password };
    await post("/users/", { ...login, email: values.email, invitation: query.invitation });
    const { token } = await post("/tokens/", login);
    enter(token, values, query);
  };
  const fields = [
    name(),
    field("email", t("login.email"), text({ type: "email", autocomplete: "email" }), t("login.email.hint")),
    password("new-password", t("login.password.hint")),
    check("stay", t("login.stay"), true),
  ];
  const actions = [button(t("login.create"), null, { kind: "primary", type: "submit" })];
  const way = h("p.other-way", {}, t("login.have"), " ", h("button.link", { type: "button", onclick: other }, t("login.title")));
  return [title(t("login.new")), h("p.lead", {}, t(query.invitation ? "login.invited" : "login.new.text")), form(fields, actions, send), way];
}

const name = () =>
  field("username", t("login.username"), text({ autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true }));

const password = (autocomplete, hint) =>
  field("password", t("login.password"), text({ type: "password", autocomplete, required: true }), hint);

function enter(token, { username, stay }, query) {
  keep(token, stay);
  handTo(username);
  go(after(query.next));
}
