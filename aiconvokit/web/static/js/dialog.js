// Dialogs: the browser's own <dialog> keeps the focus inside and gives it back.

import { busy, button, iconButton, told } from "./components.js";
import { freshId, h } from "./dom.js";
import { t } from "./texts.js";

/** Open a dialog; resolves when it is closed. `build(close)` makes its content. */
export function open(title, build, { wide = false } = {}) {
  const id = freshId("dialog");
  const dialog = h(`dialog.dialog${wide ? ".wide" : ""}`, { "aria-labelledby": id });
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.value = value;
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.value);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) close();
    });
    const head = h("header.dialog-head", {}, h("h2", { id }, title), iconButton("close", t("action.close"), () => close()));
    dialog.append(h("div.dialog-body", {}, head, build(close)));
    document.body.append(dialog);
    window.addEventListener("hashchange", () => dialog.open && close(), { once: true });
    dialog.showModal();
  });
}

/** Ask before something that cannot be undone; `work` runs while the dialog is still open. */
export function confirm(title, text, action, work) {
  return open(title, (close) => {
    const problem = h("p.problem", { role: "alert" });
    const yes = button(action, () => busy(yes, async () => {
      try {
        await work();
        close(true);
      } catch (error) {
        problem.textContent = told(error);
      }
    }), { kind: "danger" });
    return [h("p", {}, text), problem, h("div.actions", {}, button(t("action.cancel"), () => close()), yes)];
  });
}

/** A small menu under a button. */
export function menu(opener, entries) {
  const existing = document.querySelector(".menu");
  existing?.close();
  if (existing?.opener === opener) return;
  const items = entries.map(([text, run, kind]) =>
    h(`button.menu-item${kind ? `.${kind}` : ""}`, { type: "button", role: "menuitem", onclick: () => { close(); run(); } }, text));
  const box = h("div.menu", { role: "menu" }, items);
  const outside = (event) => { if (!box.contains(event.target) && !opener.contains(event.target)) close(false); };
  const leave = () => close(false);
  function close(refocus = true) {
    box.remove();
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside);
    window.removeEventListener("hashchange", leave);
    if (refocus) opener.focus();
  }
  box.close = close;
  box.opener = opener;
  box.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at - 1 + items.length) % items.length].focus();
    else if (event.key === "Tab") close(false);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(box);
  const place = opener.getBoundingClientRect();
  box.style.top = `${Math.min(place.bottom + 4, innerHeight - box.offsetHeight - 8)}px`;
  box.style.left = `${Math.max(8, Math.min(place.right - box.offsetWidth, innerWidth - box.offsetWidth - 8))}px`;
  opener.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside);
  window.addEventListener("hashchange", leave);
  items[0].focus();
}
