// Elements made by calls: no HTML is ever put together from strings.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element: h("button.quiet", { type: "button", onclick }, "Text", child).
 * Keys that begin with "on" are listeners, true is an empty attribute; null, undefined and false
 * leave one out. Children are nodes, texts, or lists of them; empty ones are skipped.
 */
export function h(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  setAll(element, attributes);
  element.append(...flat(children));
  return element;
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  setAll(element, attributes);
  element.append(...flat(children));
  return element;
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value ?? "";
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value);
    }
  }
}

function flat(children) {
  return children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false && one !== "");
}

/** Put other content into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

let last = 0;

/** An id that no other element of the page has. */
export function freshId(prefix = "x") {
  last += 1;
  return `${prefix}-${last}`;
}

/** Wait, unless the signal ends it: then it rejects like an aborted fetch. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const gone = () => {
      clearTimeout(timer);
      reject(new DOMException("Aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", gone);
      resolve();
    }, milliseconds);
    if (signal?.aborted) gone();
    signal?.addEventListener("abort", gone, { once: true });
  });
}

/** Whether an error only says that nobody waits any more. */
export const isAbort = (error) => error?.name === "AbortError";
