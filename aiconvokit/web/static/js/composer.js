// Where a question is written; its button stops the answer while one comes.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./texts.js";

const LONGEST = 100_000;

/** `ask(text)` is called with a question, `stop()` while one is being answered, `typed(text)` with every change. */
export function composer({ ask, stop, typed }) {
  const input = h("textarea", { rows: 1, maxlength: LONGEST, placeholder: t("composer.placeholder"), "aria-label": t("composer.name"), enterkeyhint: "send" });
  const sender = h("button.send", { type: "submit", "aria-label": t("composer.send"), title: t("composer.send") }, icon("send"));
  const element = h("form.composer", {}, h("div.composer-box", {}, input, sender), h("p.composer-hint", {}, t("composer.hint")));
  let isBusy = false;

  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, innerHeight * 0.35)}px`;
  };
  const put = (text) => {
    input.value = text;
    grow();
  };
  input.addEventListener("input", () => {
    grow();
    typed(input.value);
  });
  input.addEventListener("keydown", (event) => {
    const isTouch = matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !isTouch) {
      event.preventDefault();
      element.requestSubmit();
    }
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (isBusy) {
      if (event.submitter === sender) stop(); // Enter has no submitter, and not every browser focuses
      return;
    }
    if (!text) {
      input.focus();
      return;
    }
    put("");
    typed("");
    ask(text);
  });

  return {
    element,
    focus: () => input.focus(),
    put,
    busy(value) {
      isBusy = value;
      const name = t(value ? "composer.stop" : "composer.send");
      sender.replaceChildren(icon(value ? "stop" : "send"));
      sender.classList.toggle("stopping", value);
      sender.setAttribute("aria-label", name);
      sender.title = name;
    },
  };
}
