/** Where a visitor writes: grows with its text, Enter sends, Shift and Enter begin a new line. */
import { byId } from "./elements.js";
import { say } from "./texts.js";

const LONGEST = 160; // px before it scrolls, 6 lines

const input = byId("input");
const send = byId("send");
const stop = byId("stop");
let isBusy = false;
let submitted = () => {};

function fit() {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, LONGEST)}px`;
  send.disabled = !input.value.trim();
}

function submit() {
  const text = input.value;
  if (isBusy || !text.trim()) return;
  field.set("");
  submitted(text);
}

export const field = {
  onSubmit: (fn) => { submitted = fn; },
  /** Where writing goes on; on a phone the title, because its keyboard would hide half of all. */
  focus: () => (matchMedia("(pointer: coarse)").matches ? byId("title") : input).focus(),
  set: (text) => {
    input.value = text;
    fit();
  },
  busy: (value) => {
    isBusy = value;
    const hadFocus = document.activeElement === (value ? send : stop);
    send.hidden = value;
    stop.hidden = !value;
    if (hadFocus) field.focus(); // a hidden button would let go of it
  },
  dress: () => {
    byId("input-label").textContent = say("input");
    input.placeholder = say("placeholder");
    for (const [button, name] of [[send, "send"], [stop, "stop"]]) {
      button.setAttribute("aria-label", say(name));
      button.title = say(name);
    }
  },
};

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
input.addEventListener("input", fit);
input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
send.disabled = true;
