// The chats of an assistant at the side: search, rename, delete, export.

import { download, list, put, remove } from "./api.js";
import { button, failed, iconButton, skeleton, toast, told } from "./components.js";
import { confirm, menu, open } from "./dialog.js";
import { fill, h, isAbort, pause } from "./dom.js";
import { field, form, text } from "./form.js";
import { icon } from "./icons.js";
import { save } from "./originals.js";
import { ago, t } from "./texts.js";

const TYPING_MS = 250;
const LONGEST_SEARCH = 200; // the server takes no more

/** The side list. `on` has deleted(chatId). `show(id)` marks the open chat, `refresh()` loads anew, `begun()` unless a search stands. */
export function chatList(assistantId, on, signal) {
  const items = h("ul.chat-items");
  const more = h("p.more");
  const search = h("input", { type: "search", maxlength: LONGEST_SEARCH, placeholder: t("chats.search"), "aria-label": t("chats.search") });
  const fresh = h("a.button.soft", { href: `#/assistants/${assistantId}/chat` }, icon("plus"), h("span", {}, t("chats.new")));
  const element = h("nav.chats", { "aria-label": t("chats.title") }, h("div.chats-head", {}, fresh, search), items, more);
  let current = null;
  let loading = new AbortController();

  search.addEventListener("input", async () => {
    try {
      await load(TYPING_MS);
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  });

  async function load(delay = 0) {
    loading.abort();
    loading = new AbortController();
    const mine = AbortSignal.any([loading.signal, signal]);
    if (delay) await pause(delay, mine);
    const query = new URLSearchParams({ assistant_id: assistantId, limit: 50 });
    if (search.value.trim()) query.set("search", search.value.trim());
    try {
      const found = await list(`/chat/?${query}`, mine);
      draw(found.items);
      if (!found.items.length) items.append(h("li.none", {}, search.value.trim() ? t("chats.nothing") : t("chats.none")));
      further(found.next, mine);
      mark();
    } catch (error) {
      if (!isAbort(error)) fill(items, h("li", {}, failed(error, () => load())));
    }
  }

  /** Draw the entries anew: what had the focus among them has it again. */
  function draw(found) {
    const active = items.contains(document.activeElement) ? document.activeElement : null;
    const held = active?.closest("[data-chat]")?.dataset.chat;
    fill(items, found.map(row));
    if (held) entryOf(held)?.querySelector(active.localName).focus();
  }

  function further(next, mine) {
    fill(more, next && button(t("action.more"), async () => {
      const found = await list(next, mine);
      items.append(...found.items.map(row));
      further(found.next, mine);
      mark();
    }, { kind: "quiet" }));
  }

  function row(one) {
    const name = one.title || t("chats.untitled");
    const opener = iconButton("more", t("chats.menu", { title: name }), () => menu(opener, [
      [t("chats.rename"), () => rename(one)],
      [t("chats.export.markdown"), () => exportIt(one, "markdown")],
      [t("chats.export.json"), () => exportIt(one, "json")],
      [t("action.delete"), () => drop(one, name), "danger"],
    ]), { "aria-haspopup": "menu", "aria-expanded": "false" });
    return h("li.chat-item", { "data-chat": one.id },
      h("a", { href: `#/assistants/${assistantId}/chat/${one.id}` }, h("span.chat-title", {}, name), one.updated_at && h("span.chat-time", {}, ago(one.updated_at))),
      opener);
  }

  function rename(one) {
    return open(t("chats.rename"), (close) => {
      const input = text({ value: one.title, maxlength: 200, autofocus: true });
      const actions = [button(t("action.cancel"), () => close(), { kind: "quiet" }), button(t("action.save"), null, { kind: "primary", type: "submit" })];
      return form([field("title", t("chats.name"), input, t("chats.name.hint"))], actions, async (values) => {
        await put(`/chat/${one.id}/title/`, { title: values.title });
        close();
        await load();
        focusOn(one.id);
      });
    });
  }

  async function exportIt(one, format) {
    try {
      const file = await download(`/chat/${one.id}/export/?format=${format}`);
      save(file.blob, file.name ?? `chat-${one.id}.${format === "json" ? "json" : "md"}`);
    } catch (error) {
      toast(told(error), "error");
    }
  }

  async function drop(one, name) {
    const gone = await confirm(t("chats.delete"), t("chats.delete.text", { title: name }), t("action.delete"), () => remove(`/chat/${one.id}/`));
    if (!gone) return;
    const next = neighbour(one.id);
    on.deleted(one.id);
    await load();
    focusOn(next);
  }

  const entryOf = (chatId) => items.querySelector(`[data-chat="${CSS.escape(chatId)}"]`);

  /** The entry that comes into an entry's place when it goes: the next one, or the last before it. */
  function neighbour(chatId) {
    const entry = entryOf(chatId);
    return (entry?.nextElementSibling ?? entry?.previousElementSibling)?.dataset.chat ?? null;
  }

  function focusOn(chatId) {
    const entry = chatId === null ? null : entryOf(chatId);
    (entry?.querySelector("a") ?? fresh).focus();
  }

  function mark() {
    for (const item of items.querySelectorAll("[data-chat]")) {
      const anchor = item.querySelector("a");
      const isOpen = item.dataset.chat === String(current);
      item.classList.toggle("current", isOpen);
      if (isOpen) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
  }

  fill(items, h("li", {}, skeleton(4)));
  load();
  return { element, refresh: () => load(), begun: () => { if (!search.value.trim()) load(); }, show: (chatId) => { current = chatId; mark(); } };
}
