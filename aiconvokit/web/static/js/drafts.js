// Questions that no server has yet, by chat: what is being typed, and what was sent and not taken.
// They outlive the end of a session, for the same person only, and nothing else: a logout drops them.

import { local, session } from "./storage.js";

const KEY = "aiconvokit.drafts";

/** Written at a logout, so that other tabs drop theirs. */
export const LEFT = "aiconvokit.left";

let kept = read();

function read() {
  try {
    const found = JSON.parse(session.getItem(KEY) ?? "null");
    return { owner: found.owner ?? null, typed: { ...found.typed }, sent: { ...found.sent } };
  } catch {
    return { owner: null, typed: {}, sent: {} };
  }
}

function write() {
  try {
    session.setItem(KEY, JSON.stringify(kept));
  } catch {
    // more than the browser has room for: it stays in memory
  }
}

function put(kind, place, text) {
  if (text) kept[kind][place] = text;
  else delete kept[kind][place];
  write();
}

/** Where a chat's drafts are; null: a chat that is to be begun. */
export const placeOf = (assistantId, chatId) => `${assistantId}/${chatId ?? "new"}`;

export const typed = (place, text) => put("typed", place, text);

/** It is on its way: it may come back. */
export const sent = (place, text) => put("sent", place, text);

/** The server has it. */
export const taken = (place) => put("sent", place, "");

/** The chat is gone. */
export function dropOf(place) {
  typed(place, "");
  taken(place);
}

/** The chat that was to be begun has an address. */
export function move(from, to) {
  for (const kind of ["typed", "sent"]) {
    if (from in kept[kind]) kept[kind][to] = kept[kind][from];
    delete kept[kind][from];
  }
  write();
}

/** What a person finds in a chat: what was not taken, then what was typed after it. */
export function draft(place) {
  const text = [kept.sent[place], kept.typed[place]].filter(Boolean).join("\n\n");
  delete kept.sent[place];
  typed(place, text);
  return text;
}

/** The server says who is here: what somebody else left is dropped. */
export function belongTo(name) {
  if (kept.owner && kept.owner !== name) drop();
  kept.owner = name;
  write();
}

/** Somebody logs in: only what is known to be theirs stays. */
export function handTo(name) {
  if (kept.owner !== name) drop();
  belongTo(name);
}

export function drop() {
  kept = { owner: null, typed: {}, sent: {} };
  session.removeItem(KEY);
}

/** The person leaves: nothing stays, in no tab. */
export function leave() {
  drop();
  local.setItem(LEFT, String(Date.now()));
}
