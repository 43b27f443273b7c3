// The messages of a chat: the stored ones, and the one that is being answered.

import { answerView, fromDone } from "./answer.js";
import { ApiError, get, list, post } from "./api.js";
import { ask } from "./ask.js";
import { announce, failed, skeleton } from "./components.js";
import { fill, h, isAbort, pause } from "./dom.js";
import { t } from "./texts.js";

const LOOK_MS = 1000; // at a message that goes on while nobody streams it
const NEAR_PX = 120; // so near to the end one is reading along

/**
 * A conversation. `on` has proof(citation, opener), inside(message, opener), started(chatId),
 * sent(chatId, text), taken(chatId), begun(), answered(), busy(bool), empty() → element, and
 * elsewhere(assistantId) for a chat with another one; `assistantId` is asked.
 */
export function conversation({ assistantId, on, signal }) {
  const log = h("div.log");
  const element = h("div.log-frame", { tabindex: "0", role: "region", "aria-label": t("conversation.name") }, log);
  let chatId = null;
  let stopper = null;
  let load = null;

  const follow = (always = false) => {
    const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    if (always || isNear) element.scrollTop = element.scrollHeight;
  };

  const viewFor = (question, retry = () => sendIt(question)) =>
    answerView({ proof: on.proof, inside: (message, opener) => on.inside(chatId, message, opener), retry: question && retry });

  async function open(wanted) {
    stopper?.abort();
    load?.abort();
    load = new AbortController();
    const mine = AbortSignal.any([load.signal, signal]);
    chatId = wanted;
    if (!wanted) {
      fill(log, on.empty());
      return;
    }
    fill(log, skeleton(4, "block"));
    try {
      const chat = await stored(wanted, mine);
      if (String(chat.assistant_id) !== String(assistantId)) {
        on.elsewhere(chat.assistant_id);
        return;
      }
      const { messages } = chat;
      fill(log, messages.length ? null : on.empty());
      let question = "";
      for (const one of messages) {
        if (one.role === "user") question = one.content;
        log.append(one.role === "user" ? asked(one.content) : old(one, question, mine));
      }
      follow(true);
    } catch (error) {
      const back = { text: t("chats.new"), path: `/assistants/${assistantId}/chat` };
      if (!isAbort(error)) fill(log, failed(error, () => open(wanted), back));
    }
  }

  function old(message, question, mine) {
    const view = viewFor(question);
    view.show(message);
    if (message.status === "in_progress") watch(view, message, mine);
    return view.element;
  }

  /** A message that another connection is waiting for, or that just lost it. */
  async function watch(view, message, mine) {
    try {
      let now = message;
      while (now.status === "in_progress") {
        await pause(LOOK_MS, mine);
        now = await get(`/chat/${chatId}/messages/${message.id}/?html=true`, mine);
        view.show(now);
        follow();
      }
      announce(spoken(now));
    } catch (error) {
      if (!isAbort(error)) view.fail(error);
    }
  }

  async function sendIt(question) {
    if (stopper) return;
    stopper = new AbortController();
    const mine = AbortSignal.any([stopper.signal, signal]);
    on.busy(true);
    on.sent(chatId, question);
    log.querySelector(".welcome")?.remove();
    const bubble = asked(question);
    const view = viewFor(question, () => {
      if (stopper) return; // one at a time
      if (!isTaken) [bubble, view.element].forEach((one) => one.remove()); // it was never said
      sendIt(question);
    });
    let isTaken = false;
    log.append(bubble, view.element);
    view.begin();
    follow(true);
    announce(t("answer.searching"));
    try {
      if (!chatId) await begin(mine);
      await stream(view, question, mine, () => { isTaken = true; });
    } catch (error) {
      await ended(view, error);
    } finally {
      stopper = null;
      if (!signal.aborted) on.busy(false);
    }
    on.answered(chatId);
  }

  async function begin(mine) {
    const made = await post("/chat/", { assistant_id: Number(assistantId) }, mine);
    chatId = made.id;
    on.started(chatId);
  }

  async function stream(view, input, mine, taken) {
    let messageId = null;
    const where = chatId; // another chat may be open when it ends
    await ask({
      chatId, assistantId, input, signal: mine,
      on: {
        taken() { taken(); on.taken(where); },
        start(data) {
          messageId = data.message_id;
          view.found(data.passages);
          on.begun(); // the question is stored: the chat has a title
        },
        citation: view.cite,
        delta(data) { view.add(data.text); follow(); },
        restart: view.restart,
        done(data) {
          const message = fromDone(data);
          view.show(message);
          follow();
          announce(spoken(message));
        },
        error(data) { throw new ApiError(502, data); },
      },
    }).catch((error) => {
      error.kept = messageId && `/chat/${where}/messages/${messageId}/?html=true`;
      throw error;
    });
  }

  /** After a stop or a broken line the server has what was said: show that. */
  async function ended(view, error) {
    if (signal.aborted) return;
    if (!isAbort(error) || !error.kept) {
      view.fail(isAbort(error) ? { status: 0, code: "stopped", message: t("answer.stopped") } : error);
      return;
    }
    try {
      let now = { status: "in_progress" };
      for (let look = 0; look < 5 && now.status === "in_progress"; look += 1) {
        await pause(LOOK_MS / 4, signal);
        now = await get(error.kept, signal);
      }
      view.show(now);
      if (now.status === "in_progress") watch(view, now, signal);
      announce(t("answer.stopped"));
    } catch (again) {
      if (!isAbort(again)) view.fail(again);
    }
  }

  return { element, open, send: sendIt, stop: () => stopper?.abort(), current: () => chatId };
}

/** A chat with all its messages. */
async function stored(chatId, signal) {
  const messages = [];
  let chat = null;
  for (let next = `/chat/${chatId}/?html=true&limit=200`; next; ) {
    const part = await list(next, signal);
    chat = part.items;
    messages.push(...chat.messages);
    next = part.next;
  }
  return { ...chat, messages };
}

const asked = (text) => h("article.message.question", { "aria-label": t("question.name") }, h("div.message-body", {}, text));

/** What screen readers are told when an answer is there. */
const spoken = (message) =>
  `${t("answer.name")}: ${(message.content ?? "").replace(/\s*\[\d+\]/g, "")} ${t("answer.count", { n: message.citations?.length ?? 0 })}`;
