/** The conversation on the screen: what was said, what is being said, and how it can go wrong. */
import { event } from "./bridge.js";
import { byId } from "./elements.js";
import { field } from "./field.js";
import { Answer, divider, question } from "./messages.js";
import { endsAll, isInvalid, reason } from "./reasons.js";
import { Refusal } from "./server.js";
import { say } from "./texts.js";

const NEAR = 80; // px from the end of the conversation within which it follows new text
const AGAIN = 50; // ms of silence, after which the same words are read out again

const log = byId("log");
const scroll = byId("scroll");
const status = byId("status");

/** Tell those who do not see the screen. */
export function announce(text) {
  status.textContent = "";
  setTimeout(() => { status.textContent = text; }, AGAIN);
}

/** The turns of one conversation; `ended` is called when there can be no more of them. */
export class Turns {
  #isPinned = true;

  constructor(conversation, { changed, ended }) {
    Object.assign(this, { conversation, changed, ended, running: null });
    this.actions = {
      get: (address) => conversation.get(address),
      rate: async (message, rating) => {
        await conversation.rate(message, rating);
        event("rating", { rating });
      },
    };
    scroll.addEventListener("scroll", () => {
      this.#isPinned = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
    });
  }

  /** Nobody has asked anything yet. */
  get isNew() {
    return !log.querySelector(".asked");
  }

  /** Show what was said until now, and nothing else. */
  show(messages) {
    log.replaceChildren(...messages.map((one) =>
      one.role === "user" ? question(one.content) : Answer.stored(one, this.actions).element,
    ));
    this.#isPinned = true;
    this.#follow();
    this.changed();
  }

  stop() {
    this.running?.abort();
  }

  async ask(text) {
    const input = text.trim();
    if (!input || this.running) return;
    const asked = question(input);
    const answer = new Answer(this.actions);
    this.#busy(new AbortController());
    log.append(asked, answer.element);
    this.changed();
    this.#isPinned = true;
    this.#follow();
    announce(say("working"));
    event("question");
    try {
      await this.#turn(input, asked, answer);
    } catch (error) {
      this.#busy(null);
      this.#spoil(error, input, asked, answer);
    }
    this.#busy(null);
    this.#follow();
  }

  async restart() {
    this.stop();
    try {
      await this.conversation.restart();
    } catch (error) {
      announce(reason(error));
      log.append(divider(reason(error)));
      this.#follow();
      return;
    }
    this.show([]);
    announce(say("restarted"));
    event("restart");
    field.focus();
  }

  async #turn(input, asked, answer) {
    const renewed = () => {
      if (asked.previousElementSibling) asked.before(divider(say("renewed")));
    };
    const turn = this.conversation.ask(input, this.running.signal, renewed);
    for await (const { name, data } of turn) {
      if (name === "delta") answer.add(data.text);
      else if (name === "citation") answer.cite(data);
      else if (name === "restart") answer.forget();
      else if (name === "error") throw new Refusal(data.code);
      else if (name === "done") return stand(answer, data);
      this.#follow();
    }
    throw new Refusal("cut"); // no last word
  }

  /** A turn without its end: what was said stays, with the reason, and can be asked again. */
  #spoil(error, input, asked, answer) {
    if (error.name === "AbortError") {
      answer.note(say("stopped"));
      announce(say("stopped"));
      return;
    }
    const remove = () => [asked, answer.element].forEach((one) => one.remove());
    event("error", { code: error.code ?? "failed" });
    if (endsAll(error)) {
      remove();
      field.set(input);
      this.ended(error);
      return;
    }
    const again = () => {
      remove();
      field.focus();
      this.ask(input);
    };
    if (isInvalid(error)) field.set(input); // to be made shorter
    const isVain = isInvalid(error) || error.code === "budget_spent";
    answer.note(reason(error), isVain ? undefined : again);
    announce(reason(error));
  }

  #busy(controller) {
    this.running = controller;
    field.busy(Boolean(controller));
    log.setAttribute("aria-busy", String(Boolean(controller)));
  }

  #follow() {
    if (this.#isPinned) scroll.scrollTop = scroll.scrollHeight;
  }
}

function stand(answer, done) {
  answer.finish(done);
  announce(`${say("answer")}: ${answer.said.textContent}`);
  event("answer", { sources: (done.citations ?? []).length });
}
