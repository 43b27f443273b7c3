// Settings: one page with sections; each is a module of its own.

import { fill, h } from "../dom.js";
import { title } from "../components.js";
import { t } from "../texts.js";
import { account } from "./settings_account.js";
import { tokens } from "./settings_tokens.js";
import { usage } from "./settings_usage.js";
import { widgets } from "./settings_widgets.js";

const SECTIONS = { account, tokens, usage, widgets };

export function settings({ root, params, signal }) {
  const section = Object.hasOwn(SECTIONS, params.section ?? "") ? params.section : "account";
  const place = h("div.settings-body");
  const ways = Object.keys(SECTIONS).map((name) =>
    h("a", { href: `#/settings/${name}`, "aria-current": name === section ? "page" : null }, t(`settings.${name}`)));
  fill(root, h("div.page", {}, title(t("nav.settings")), h("div.settings", {}, h("nav.settings-nav", { "aria-label": t("nav.settings") }, ways), place)));
  return SECTIONS[section]({ root: place, params, signal });
}
