// The beginning: words, then the view that the address names.

import { SESSION_ENDED } from "./api.js";
import { toast } from "./components.js";
import { fill, h } from "./dom.js";
import { LEFT, drop } from "./drafts.js";
import { forgetPictures } from "./proof_picture.js";
import { after, go, here, start } from "./router.js";
import { KEY, token } from "./session.js";
import { frame } from "./shell.js";
import { load, t } from "./texts.js";
import { assistants } from "./views/assistants.js";
import { assistantForm } from "./views/assistant_form.js";
import { chat } from "./views/chat.js";
import { login } from "./views/login.js";
import { search } from "./views/search.js";
import { settings } from "./views/settings.js";

const ROUTES = [
  { pattern: "/login", view: login, isPublic: true },
  { pattern: "/assistants", view: assistants },
  { pattern: "/assistants/new", view: assistantForm },
  { pattern: "/assistants/:id/edit", view: assistantForm },
  { pattern: "/assistants/:id/chat/:chat?", view: chat },
  { pattern: "/assistants/:id/search", view: search },
  { pattern: "/settings/:section?/:item?/:part?", view: settings },
  { pattern: ".*", view: assistants }, // any other address
];

/** Nobody sees a private view without a token; after the login the way goes on from there. */
function guard(route, path) {
  if (!route.isPublic && !token()) {
    go(path === "/" ? "/login" : `/login?next=${encodeURIComponent(location.hash.slice(1))}`);
    return false;
  }
  if (route.isPublic && token()) {
    go(after(here().query.next));
    return false;
  }
  frame(route.isPublic, path);
  return true;
}

// Another tab logged in or out: what stands here may be somebody else's.
window.addEventListener("storage", (event) => {
  if (event.key === LEFT || event.key === null) drop();
  if (event.key === KEY || event.key === null) location.reload();
});

window.addEventListener(SESSION_ENDED, () => {
  forgetPictures();
  toast(t("login.ended"), "error");
  go(`/login?next=${encodeURIComponent(location.hash.slice(1))}`);
});

try {
  await load();
  await start(ROUTES, guard);
} catch (error) {
  // Without words there is one sentence in the only language that is known to be there.
  fill(
    document.getElementById("app"),
    h("p.boot", { role: "alert" }, "The page could not be loaded. ", h("a", { href: "" }, "Try again")),
  );
  throw error;
}
