// A tip beside what is pointed at or has the focus; Escape hides it, and it may be pointed at itself.

import { freshId, h } from "./dom.js";

const LINGER_MS = 150;
let shown = null;

/** Give an element a tip; it is its description for screen readers as well. */
export function tip(element, text) {
  const id = freshId("tip");
  element.append(h("span.sr", { id }, text));
  element.setAttribute("aria-describedby", id);
  let timer = 0;
  const show = () => {
    clearTimeout(timer);
    hide();
    shown = h("div.tip", { "aria-hidden": "true" }, text);
    shown.addEventListener("pointerenter", () => clearTimeout(timer));
    shown.addEventListener("pointerleave", later);
    (element.closest("dialog") ?? document.body).append(shown);
    place(element.getBoundingClientRect());
  };
  const later = () => { timer = setTimeout(hide, LINGER_MS); };
  element.addEventListener("pointerenter", show);
  element.addEventListener("pointerleave", later);
  element.addEventListener("focus", show);
  element.addEventListener("blur", hide);
  element.addEventListener("click", show);
  return element;
}

function place(box) {
  const left = Math.max(8, Math.min(box.left + box.width / 2 - shown.offsetWidth / 2, innerWidth - shown.offsetWidth - 8));
  const above = box.top - shown.offsetHeight - 8;
  shown.style.left = `${left}px`;
  shown.style.top = `${above > 8 ? above : box.bottom + 8}px`;
}

function hide() {
  shown?.remove();
  shown = null;
}

addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
addEventListener("hashchange", hide);
addEventListener("scroll", hide, { capture: true, passive: true });
