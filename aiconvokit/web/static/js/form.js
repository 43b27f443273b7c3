// Forms: fields with label, hint and error, and one way to send them.

import { busy, told } from "./components.js";
import { fill, freshId, h } from "./dom.js";
import { sentence, t } from "./texts.js";

/** A field: label, control, hint, and a place for what the server says about it. */
export function field(name, label, control, hint = "") {
  const id = freshId("field");
  control.id = id;
  control.name = name;
  const notes = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" ");
  control.setAttribute("aria-describedby", notes);
  return h(
    "div.field",
    { "data-field": name },
    h("label", { for: id }, label),
    control,
    hint && h("p.hint", { id: `${id}-hint` }, hint),
    h("p.field-error", { id: `${id}-error` }),
  );
}

export const text = (attributes = {}) => h("input", { type: "text", autocomplete: "off", ...attributes });
export const area = (attributes = {}, value = "") => {
  const element = h("textarea", { rows: 4, ...attributes });
  element.value = value;
  return element;
};

export function select(options, value, attributes = {}) {
  const items = options.map(([key, label]) => h("option", { value: key, selected: String(key) === String(value) }, label));
  return h("select", attributes, items);
}

export function check(name, label, isOn = false, hint = "") {
  const id = freshId("field");
  const control = h("input", { type: "checkbox", name, id });
  control.checked = isOn;
  return h("div.check", {}, control, h("div", {}, h("label", { for: id }, label), hint && h("p.hint", {}, hint)));
}

/**
 * A form that sends its values with `send(values)`. What is refused stands at its field, the rest
 * above the buttons; focus goes to the first mistake.
 */
export function form(fields, actions, send, attributes = {}) {
  const problem = h("p.problem", { role: "alert" });
  const element = h("form", { novalidate: true, ...attributes }, fields, problem, h("div.actions", {}, actions));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    clear(element, problem);
    const missing = [...element.elements].filter((one) => one.required && !one.value.trim());
    if (missing.length) {
      missing.forEach((one) => mark(element, one.name, t("form.required")));
      missing[0].focus();
      return;
    }
    const sender = element.querySelector("[type=submit]");
    busy(sender, async () => {
      try {
        await send(values(element));
      } catch (error) {
        explain(element, problem, error);
      }
    });
  });
  return element;
}

/** Every control's value by its name. */
export function values(element) {
  const found = {};
  for (const one of element.elements) {
    if (one.name) found[one.name] = one.type === "checkbox" ? one.checked : one.value;
  }
  return found;
}

function clear(element, problem) {
  fill(problem);
  element.querySelectorAll(".field-error").forEach((one) => fill(one));
  element.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
}

function mark(element, name, says) {
  const place = element.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!place) return false;
  place.querySelector(".field-error").textContent = says;
  place.querySelector("[name]").setAttribute("aria-invalid", "true");
  return true;
}

function explain(element, problem, error) {
  const rest = [];
  for (const [name, sentences] of Object.entries(error.fields ?? {})) {
    const says = [sentences].flat().map((one) => sentence(one) ?? one).join(" ");
    if (!mark(element, name, says)) rest.push(says);
  }
  if (!Object.keys(error.fields ?? {}).length) rest.push(told(error));
  fill(problem, rest.join(" "));
  element.querySelector("[aria-invalid]")?.focus();
}
