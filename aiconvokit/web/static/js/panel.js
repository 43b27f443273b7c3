// The panel beside a conversation or a list; on small screens it lies over them.

import { iconButton } from "./components.js";
import { fill, freshId, h } from "./dom.js";
import { t } from "./texts.js";

const SMALL = "(max-width: 60rem)";

/** A panel in a layout: open(title, content, opener), close(). The layout's class tells its width. */
export function sidePanel(layout, signal) {
  const id = freshId("panel");
  const heading = h("h2", { id, tabindex: "-1" });
  const body = h("div.panel-body");
  const element = h("aside.panel", { "aria-labelledby": id, hidden: true },
    h("header.panel-head", {}, heading, iconButton("close", t("action.close"), () => close())), body);
  let opener = null;
  let stop = null;

  function open(title, build, from) {
    stop?.abort();
    stop = new AbortController();
    opener?.classList.remove("open");
    opener = from;
    opener?.classList.add("open");
    heading.textContent = title;
    element.hidden = false;
    layout.classList.add("with-panel");
    fill(body, build(AbortSignal.any([stop.signal, signal])));
    body.scrollTop = 0;
    cover();
    heading.focus({ preventScroll: true });
  }

  function close() {
    if (element.hidden) return;
    stop?.abort();
    element.hidden = true;
    layout.classList.remove("with-panel");
    cover();
    opener?.classList.remove("open");
    if (opener?.isConnected) opener.focus();
    opener = null;
  }

  /** What lies under it cannot be reached. */
  function cover() {
    const isOver = !element.hidden && matchMedia(SMALL).matches;
    for (const one of layout.children) if (one !== element) one.inert = isOver;
    const top = document.querySelector("header.top");
    if (top) top.inert = isOver;
  }

  matchMedia(SMALL).addEventListener("change", cover, { signal });
  signal.addEventListener("abort", () => { element.hidden = true; cover(); }, { once: true });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  return { element, open, close };
}
