// What stands around every view: skip link, header with the ways to go, and the main landmark.

import { authorization, get } from "./api.js";
import { confirm, menu } from "./dialog.js";
import { fill, h } from "./dom.js";
import { belongTo, leave } from "./drafts.js";
import { icon } from "./icons.js";
import { mayLeave } from "./leaving.js";
import { forgetPictures } from "./proof_picture.js";
import { go } from "./router.js";
import { BASE } from "./server.js";
import { forget, token } from "./session.js";
import { t } from "./texts.js";
import { dropAll, isUploading } from "./uploads.js";

let drawn = "";
let user = null; // who is logged in, once the server has said so

/** Draw the frame unless it is there, and mark where we are. */
export function frame(isPublic, path) {
  const wanted = isPublic ? "public" : "private";
  if (drawn !== wanted) {
    drawn = wanted;
    user = null;
    const main = h("main", { id: "main", tabindex: "-1" });
    const skip = h("a.skip", { href: "#main", onclick: toMain }, t("nav.skip"));
    fill(document.getElementById("app"), isPublic ? main : [skip, header(), main]);
    document.body.className = wanted;
  }
  const section = path.startsWith("/settings") ? "/settings" : "/assistants";
  document.querySelectorAll(".top nav a").forEach((one) => {
    if (one.getAttribute("href") === `#${section}`) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  });
}

/** Draw the frame anew with the next view: its words are others now. */
export const renew = () => { drawn = ""; };

/** The link's address would be taken for a view's. */
function toMain(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function header() {
  const account = h(
    "button.account",
    { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => menu(account, entries()) },
    h("span.avatar", { "aria-hidden": "true" }, "·"),
    h("span.account-name", {}, t("nav.account")),
  );
  const used = token();
  get("/users/me/").then((found) => {
    if (used !== token()) return; // late: somebody else may be here
    user = found;
    belongTo(found.username);
    account.querySelector(".avatar").textContent = found.username.slice(0, 1).toUpperCase();
    account.querySelector(".account-name").textContent = found.username;
  }, () => {});
  return h(
    "header.top",
    {},
    h("a.brand", { href: "#/assistants" }, h("span.brand-mark", { "aria-hidden": "true" }, icon("chats")), h("span", {}, "AIConvoKit")),
    h(
      "nav",
      { "aria-label": t("nav.main") },
      h("a", { href: "#/assistants" }, t("nav.assistants")),
      h("a", { href: "#/settings" }, t("nav.settings")),
      h("a", { href: "/docs", target: "_blank", rel: "noopener" }, t("nav.docs")),
    ),
    account,
  );
}

function entries() {
  return [
    [t("nav.settings"), () => go("/settings")],
    [t("nav.logout"), logout],
  ];
}

async function logout() {
  if (!(await mayLeave())) return;
  if (isUploading()) {
    const sure = await confirm(t("logout.title"), t("logout.uploading"), t("nav.logout"), async () => {});
    if (!sure) return;
  }
  const [id, used] = [user?.token_id, token()];
  leave(); // first: other tabs are loaded again as soon as the token goes
  forget();
  forgetPictures();
  dropAll();
  drawn = "";
  go("/login");
  if (id) revoke(id, used);
}

/** Without an answer it stays in the list of tokens, to be revoked or to run out. */
function revoke(id, used) {
  const options = { method: "DELETE", headers: authorization(used), credentials: "omit" };
  fetch(`${BASE}/tokens/${id}/`, { ...options, keepalive: true }).catch(() => {}); // also of who leaves at once
}
