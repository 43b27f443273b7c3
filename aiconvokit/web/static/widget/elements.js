/** Elements without markup from text. */

const SVG = "http://www.w3.org/2000/svg";

/** A new element. Values that are functions listen, others are attributes; false leaves one out. */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A drawing of one line on a field of 24 by 24. */
export function icon(line) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", line);
  svg.append(path);
  return svg;
}

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);
