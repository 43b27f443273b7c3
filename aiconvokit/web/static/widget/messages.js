/** Questions and answers as they stand in the conversation. */
import { fragment } from "./clean.js";
import { icon, make } from "./elements.js";
import { reveal, sources } from "./sources.js";
import { say } from "./texts.js";

const UP =
  "M7 10v10H4V10zM7 10l4-7a2 2 0 0 1 2 2v4h5a2 2 0 0 1 2 2.3l-1.2 7A2 2 0 0 1 16.8 20H7";
const DOWN =
  "M7 14V4H4v10zM7 14l4 7a2 2 0 0 0 2-2v-4h5a2 2 0 0 0 2-2.3l-1.2-7A2 2 0 0 0 16.8 4H7";
const MARK = /\[(\d{1,3})\]/;

/** A visitor's question. */
export function question(text) {
  return make("li", { class: "asked" }, make("span", { class: "unseen" }, `${say("you")}: `), text);
}

/** A line between messages. */
export function divider(text) {
  return make("li", { class: "divider" }, text);
}

/** An answer that is being written, then one that stands. `actions` are `get` and `rate`. */
export class Answer {
  constructor(actions) {
    this.actions = actions;
    this.text = "";
    this.citations = [];
    this.said = make("div", { class: "text" });
    const who = make("span", { class: "unseen" }, say("answer"));
    this.element = make("li", { class: "answer" }, who, this.said);
    this.element.addEventListener("click", (event) => this.#follow(event));
    this.#wait();
  }

  /** A stored message of the history. */
  static stored(message, actions) {
    const made = new Answer(actions);
    made.text = message.content ?? "";
    const isGone = message.status === "redacted";
    made.finish({ ...message, output: isGone ? say("redacted") : made.text });
    if (message.status !== "complete" && !isGone) made.note(say("interrupted"));
    return made;
  }

  cite(citation) {
    this.citations.push(citation);
  }

  /** More text; it is plain until the answer stands and the server's HTML takes its place. */
  add(text) {
    this.text += text;
    this.element.classList.remove("waiting");
    this.said.replaceChildren(...draft(this.text));
  }

  /** What came until now was not the answer. */
  forget() {
    this.text = "";
    this.citations = [];
    this.#wait();
  }

  /** The whole answer: `{output, html, citations, message_id, rating}`. */
  finish(done) {
    this.element.classList.remove("waiting");
    this.text = done.output ?? this.text;
    const whole = done.html ? [fragment(done.html)] : draft(this.text);
    this.said.replaceChildren(...whole);
    this.#foot(done);
  }

  /** A remark under the answer; with `retry`, a button that asks again. */
  note(text, retry) {
    this.element.classList.remove("waiting");
    const line = make("p", { class: "note" }, text);
    if (retry) {
      const again = make("button", { type: "button", class: "retry", click: retry }, say("retry"));
      line.append(" ", again);
    }
    if (!this.text) this.said.remove();
    this.element.append(line);
  }

  #wait() {
    this.element.classList.add("waiting");
    const dots = make("span", { class: "dots" }, make("i"), make("i"), make("i"));
    const wait = make("span", { "aria-hidden": "true", class: "wait" }, dots, say("working"));
    this.said.replaceChildren(wait); // the page's status says it to those who do not see it
  }

  #foot(done) {
    const citations = done.citations ?? this.citations;
    const known = new Set(citations.map((one) => String(one.index)));
    for (const mark of this.said.querySelectorAll("a.mark")) {
      const index = mark.dataset.index;
      if (known.has(index)) mark.setAttribute("aria-label", say("source", { n: index }));
      else mark.replaceWith(mark.textContent);
    }
    if (this.said.querySelector(".unsupported")) {
      this.element.append(make("p", { class: "legend" }, say("unsupported")));
    }
    if (citations.length) this.element.append(sources(citations, this.actions.get));
    const id = done.message_id ?? done.id;
    if (id && this.text && done.status !== "redacted") this.element.append(thumbs(id, done.rating ?? null, this.actions.rate));
  }

  #follow(event) {
    const mark = event.target.closest("a.mark");
    if (!mark) return;
    event.preventDefault();
    reveal(this.element, mark.dataset.index);
  }
}

function thumbs(id, given, rate) {
  let rating = given;
  const show = () => buttons.forEach(([value, button]) => {
    button.setAttribute("aria-pressed", String(rating === value));
  });
  const press = (value) => async () => {
    const before = rating;
    rating = rating === value ? null : value;
    show();
    try {
      await rate(id, rating);
    } catch {
      rating = before;
      show();
    }
  };
  const thumb = (value, label, line) => {
    const attributes = { type: "button", class: "icon", "aria-label": label, title: label };
    return [value, make("button", { ...attributes, click: press(value) }, icon(line))];
  };
  const buttons = [thumb(1, say("good"), UP), thumb(-1, say("bad"), DOWN)];
  show();
  return make("div", { class: "thumbs" }, ...buttons.map(([, button]) => button));
}

/** Text in lines, with its strong words and its marks, for as long as there is no HTML of it. */
function draft(text) {
  return text.split(/\n{2,}/).map((part) => {
    const lines = part
      .replace(/^#{1,6} +/gm, "")
      .replace(/^(\s*)[-*] +/gm, "$1• ");
    return make("p", { class: "draft" }, ...pieces(lines));
  });
}

function pieces(text) {
  return text.split(/(\*\*[^*]+\*\*|\[\d{1,3}\])/).map((piece) => {
    const mark = MARK.exec(piece);
    if (mark) return make("span", { class: "mark" }, mark[1]);
    if (piece.startsWith("**") && piece.endsWith("**") && piece.length > 4) {
      return make("strong", {}, piece.slice(2, -2));
    }
    return piece;
  });
}
