// Who one is, the interface's language, and the password.

import { ApiError, get, put } from "../api.js";
import { button, into, skeleton, toast, told } from "../components.js";
import { fill, h } from "../dom.js";
import { field, form, select, text } from "../form.js";
import { again } from "../router.js";
import { VERSION } from "../server.js";
import { renew } from "../shell.js";
import { LANGUAGES, choose, chosen, load, t } from "../texts.js";

export function account({ root, signal }) {
  const who = h("div");
  fill(root,
    h("section.block", {}, h("h2", {}, t("account.title")), who),
    h("section.block", {}, h("h2", {}, t("account.language")), language()),
    h("section.block", {}, h("h2", {}, t("account.password")), password()),
    h("p.hint", {}, t("account.version", { version: VERSION })));
  const load = () => get("/users/me/", signal);
  into(who, load, (found) => h("dl.facts", {}, h("dt", {}, t("login.username")), h("dd", {}, found.username), found.email && [h("dt", {}, t("login.email")), h("dd", {}, found.email)]), { shape: () => skeleton(2), signal });
}

function language() {
  const options = [["auto", t("account.language.auto")], ...Object.entries(LANGUAGES)];
  const control = select(options, chosen());
  control.addEventListener("change", async () => {
    choose(control.value);
    try {
      await load();
    } catch {
      toast(told(new ApiError(0)), "error");
      return;
    }
    renew(); // every text on the page is another one
    await again();
    document.querySelector("select[name=language]")?.focus();
  });
  return field("language", t("account.language.label"), control);
}

function password() {
  const present = text({ type: "password", autocomplete: "current-password", required: true });
  const fresh = text({ type: "password", autocomplete: "new-password", required: true });
  const send = async (values) => {
    await put("/users/me/password/", { password: values.password, new_password: values.new_password });
    element.reset();
    toast(t("account.password.changed"));
  };
  const fields = [
    field("password", t("account.password.present"), present),
    field("new_password", t("account.password.new"), fresh, t("login.password.hint")),
  ];
  const element = form(fields, [button(t("account.password.change"), null, { kind: "primary", type: "submit" })], send, { class: "short" });
  return [h("p.hint", {}, t("account.password.text")), element];
}
