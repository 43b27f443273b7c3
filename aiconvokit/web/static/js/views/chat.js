// Ask an assistant: chats at the side, the conversation, and the proof beside it.

import { get } from "../api.js";
import { failed, iconButton, link, skeleton, title } from "../components.js";
import { chatList } from "../chat_list.js";
import { composer } from "../composer.js";
import { conversation } from "../conversation.js";
import { fill, h, isAbort } from "../dom.js";
import * as drafts from "../drafts.js";
import { icon } from "../icons.js";
import { inside } from "../inside.js";
import { sidePanel } from "../panel.js";
import { proof } from "../proof.js";
import { go, instead, rename } from "../router.js";
import { t, tn } from "../texts.js";

export async function chat({ root, params, query, signal }) {
  root.classList.add("full");
  fill(root, h("div.page", {}, skeleton(4, "block")));
  let assistant;
  try {
    assistant = await get(`/assistants/${params.id}/`, signal);
  } catch (error) {
    if (isAbort(error)) return undefined;
    const own = error.status === 404 && params.chat && (await assistantOf(params.chat, signal));
    if (own && String(own) !== params.id) return instead(`/assistants/${own}/chat/${params.chat}`);
    const back = { text: t("assistants.back"), path: "/assistants" };
    fill(root, h("div.page", {}, failed(error, () => chat({ root, params, query, signal }), back)));
    return undefined;
  }
  if (signal.aborted) return undefined;
  return layout(root, assistant, params.chat ?? null, signal);
}

/** The assistant that a chat is with, or null. */
async function assistantOf(chatId, signal) {
  const found = await get(`/chat/${chatId}/?limit=1`, signal).catch(() => null);
  return found && found.assistant_id;
}

function layout(root, assistant, first, signal) {
  const frame = h("div.chat-layout");
  const panel = sidePanel(frame, signal);
  const place = (chatId) => drafts.placeOf(assistant.id, chatId);
  const write = composer({ ask: (text) => talk.send(text), stop: () => talk.stop(), typed: (text) => drafts.typed(place(talk.current()), text) });
  const chats = chatList(assistant.id, {
    deleted(chatId) { drafts.dropOf(place(chatId)); if (String(talk.current()) === String(chatId)) go(`/assistants/${assistant.id}/chat`); },
  }, signal);
  const talk = conversation({ assistantId: assistant.id, signal, on: {
    proof: (citation, opener) => showProof(panel, assistant, talk, citation, opener),
    inside: (chatId, message, opener) => showInside(panel, assistant, chatId, message, opener),
    started(chatId) { drafts.move(place(null), place(chatId)); rename(`/assistants/${assistant.id}/chat/${chatId}`); chats.show(chatId); },
    sent: (chatId, text) => drafts.sent(place(chatId), text),
    taken: (chatId) => drafts.taken(place(chatId)),
    elsewhere: (other) => instead(`/assistants/${other}/chat/${talk.current()}`),
    begun: () => chats.begun(),
    answered: () => { if (!signal.aborted) chats.refresh(); },
    busy: (value) => write.busy(value),
    empty: () => welcome(assistant),
  } });
  const toggle = iconButton("chats", t("chats.title"), () => drawer(frame, toggle, true), { class: "icon-button only-small", "aria-expanded": "false" });
  const shade = h("div.shade", { onclick: () => drawer(frame, toggle, false) });
  chats.element.addEventListener("keydown", (event) => { if (event.key === "Escape") drawer(frame, toggle, false); });
  chats.element.prepend(iconButton("close", t("action.close"), () => drawer(frame, toggle, false), { class: "icon-button only-small drawer-close" }));
  const head = h("header.talk-head", {}, toggle, h("div.talk-name", {}, title(assistant.name), h("p", {}, assistant.company_name)),
    link(t("assistants.search"), `/assistants/${assistant.id}/search`, { kind: "quiet", symbol: "look" }),
    link(t("assistants.edit"), `/assistants/${assistant.id}/edit`, { kind: "quiet", symbol: "edit" }));
  fill(frame, chats.element, shade, h("section.talk", { "aria-label": t("conversation.name") }, head, talk.element, write.element), panel.element);
  fill(root, frame);
  const show = (chatId) => {
    drawer(frame, toggle, false);
    panel.close();
    chats.show(chatId);
    talk.open(chatId);
    write.put(drafts.draft(place(chatId)));
    if (!matchMedia("(pointer: coarse)").matches) write.focus();
  };
  show(first);
  return ({ params }) => show(params.chat ?? null);
}

/** The list of chats on small screens. */
function drawer(frame, toggle, isOpen) {
  const was = frame.classList.contains("drawer-open");
  frame.classList.toggle("drawer-open", isOpen);
  toggle.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) frame.querySelector(".drawer-close").focus();
  else if (was) toggle.focus();
}

function welcome(assistant) {
  const ready = assistant.documents.filter((one) => one.status === "ready");
  const names = ready.slice(0, 6).map((one) => h("li", {}, icon("file"), h("span", {}, one.filename)));
  const rest = ready.length - names.length;
  return h("div.welcome", {},
    h("div.medallion", {}, icon("quote")),
    h("h2", {}, t("welcome.title", { name: assistant.name })),
    h("p", {}, t(ready.length ? "welcome.text" : "welcome.no_documents")),
    ready.length > 0 && h("ul.welcome-files", {}, names, rest > 0 && h("li", {}, tn("welcome.more", rest))),
    ready.length === 0 && link(t("welcome.add"), `/assistants/${assistant.id}/edit`, { kind: "primary", symbol: "upload" }));
}

function showProof(panel, assistant, talk, citation, opener) {
  const messageId = opener.closest("article")?.dataset.message;
  const heading = messageId && (() => headingOf(talk.current(), messageId, citation));
  panel.open(citation.filename ?? t("proof.title"), (signal) => proof(assistant.id, { ...citation, heading }, signal), opener);
}

/** The path of headings is kept with the passage that the quote was found in. */
async function headingOf(chatId, messageId, citation) {
  const receipt = await get(`/chat/${chatId}/messages/${messageId}/receipt/`);
  const isAround = (one) => one.document_id === citation.document_id && one.page === citation.page && one.start <= citation.start && one.end >= citation.end;
  return receipt.passages.find(isAround)?.heading ?? "";
}

function showInside(panel, assistant, chatId, message, opener) {
  const openPassage = (passage, from) =>
    panel.open(passage.filename, (signal) => [
      h("p.back", {}, h("button.link", { type: "button", onclick: () => showInside(panel, assistant, chatId, message, opener) }, icon("left"), t("inside.title"))),
      proof(assistant.id, passage, signal),
    ], opener);
  panel.open(t("inside.title"), (signal) => inside(chatId, message, openPassage, signal), opener);
}
