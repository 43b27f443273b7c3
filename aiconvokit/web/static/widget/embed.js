/** The widget's page inside the frame: how it looks, its session, and the page around it. */
import { HOST, IS_FRAMED, event, listen, tell } from "./bridge.js";
import { byId, icon, make } from "./elements.js";
import { field } from "./field.js";
import { paint } from "./look.js";
import { heading, reason } from "./reasons.js";
import { Conversation, visits } from "./server.js";
import { choose, say } from "./texts.js";
import { Turns } from "./turns.js";

const ALERT = "M12 8v5M12 16.5v.5M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z";

const parts = Object.fromEntries(
  "title restart close scroll loading greeting suggestions notice composer stop caution"
    .split(" ")
    .map((id) => [id, byId(id)]),
);
const conversation = new Conversation(HOST);
const turns = new Turns(conversation, { changed: offer, ended: refuse });
let widget = known();
let begun = null; // the promise of a session, once the chat was opened

/** How the widget looks: the page's own word, else that of the last visit. */
function known() {
  try {
    return JSON.parse(document.querySelector('meta[name="widget"]').content);
  } catch {
    return visits.get("widget") ?? {};
  }
}

/** Dress the page; gives what the loader dresses its button with. */
function dress() {
  choose(widget.language);
  const look = paint(widget.color);
  const title = widget.title || say("title");
  document.title = title;
  parts.title.textContent = title;
  for (const name of ["restart", "close"]) {
    parts[name].setAttribute("aria-label", say(name));
    parts[name].title = say(name);
  }
  field.dress();
  parts.caution.textContent = say("caution");
  parts.scroll.setAttribute("aria-label", say("conversation"));
  parts.suggestions.setAttribute("aria-label", say("suggestions"));
  return { ...look, title, open: say("open"), close: say("close") };
}

/** What a conversation begins with: a greeting, and questions while none was asked. */
function offer() {
  const questions = widget.suggestions ?? [];
  parts.greeting.textContent = widget.greeting ?? "";
  parts.greeting.hidden = !widget.greeting;
  parts.restart.hidden = turns.isNew;
  parts.suggestions.hidden = !turns.isNew || !questions.length;
  parts.suggestions.replaceChildren(...questions.map((text) => {
    const click = () => {
      field.focus();
      turns.ask(text);
    };
    return make("li", {}, make("button", { type: "button", class: "suggestion", click }, text));
  }));
}

/** The session of this tab, begun once; without one, the panel says why. */
function begin() {
  begun ??= open().catch((error) => {
    event("error", { code: error.code ?? "failed" });
    refuse(error);
    return false;
  });
  return begun;
}

async function open() {
  parts.notice.hidden = true;
  parts.loading.hidden = false;
  const found = await conversation.begin();
  widget = found.widget;
  visits.set("widget", { color: widget.color, title: widget.title, language: widget.language });
  tell("look", dress());
  parts.loading.hidden = true;
  parts.composer.hidden = false;
  turns.show(found.messages);
  return true;
}

/** The whole panel says why there is no conversation. */
function refuse(error) {
  begun = null;
  parts.loading.hidden = true;
  parts.composer.hidden = true;
  parts.restart.hidden = true;
  parts.suggestions.hidden = true;
  const title = make("h2", {}, heading(error));
  parts.notice.replaceChildren(icon(ALERT), title, make("p", {}, reason(error)));
  if (error.code !== "origin_not_allowed") {
    const click = () => begin().then(focus);
    parts.notice.append(make("button", { type: "button", class: "retry", click }, say("retry")));
  }
  parts.notice.hidden = false;
}

function focus() {
  const retry = parts.notice.querySelector("button");
  if (!parts.composer.hidden) field.focus();
  else (parts.notice.hidden || !retry ? parts.close : retry).focus();
}

/** A question of the page's own; while another is answered it waits in the field. */
function ask(text) {
  if (turns.running) field.set(text);
  else turns.ask(text);
}

field.onSubmit((text) => turns.ask(text));
parts.stop.addEventListener("click", () => turns.stop());
parts.restart.addEventListener("click", () => turns.restart());
parts.close.addEventListener("click", () => tell("close"));
document.addEventListener("keydown", (pressed) => {
  if (pressed.key === "Escape" && !pressed.isComposing) tell("close");
});
listen({
  open: ({ focus: isWanted }) => begin().then(() => isWanted && focus()),
  ask: ({ text }) => begin().then((isOpen) => isOpen && typeof text === "string" && ask(text)),
});

parts.close.hidden = !IS_FRAMED;
parts.composer.hidden = true;
tell("ready", dress());
if (!IS_FRAMED) begin().then(focus);
