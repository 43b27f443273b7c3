/** The sources under an answer: file, page, the quoted words, and the page where the owner allows. */
import { make } from "./elements.js";
import { say } from "./texts.js";

const WIDTH = devicePixelRatio > 1 ? 1400 : 800; // pixels of a page; it is shown at 620 px or so
const BESIDE = 16; // px of the page that are seen left of the first marked word

/** The list of an answer's citations; `get` fetches what stands at an address of one. */
export function sources(citations, get) {
  const list = make("ul", { class: "sources", "aria-label": say("sources") });
  for (const one of citations) list.append(make("li", {}, source(one, get)));
  return list;
}

/** Open a source of a message and go there. */
export function reveal(message, index) {
  const found = message.querySelector(`details[data-index="${Number(index)}"]`);
  if (!found) return;
  found.open = true;
  found.querySelector("summary").focus();
  requestAnimationFrame(() => found.scrollIntoView({ block: "nearest" })); // open by then
}

function source(citation, get) {
  const summary = make("summary", {}, make("span", { class: "number" }, String(citation.index)));
  summary.append(make("span", { class: "file" }, citation.filename));
  if (citation.page) {
    summary.append(make("span", { class: "page" }, say("page", { page: citation.page })));
  }
  const details = make("details", { "data-index": citation.index }, summary);
  details.append(make("blockquote", {}, citation.quote));
  if (citation.picture) {
    const draw = () => {
      details.append(picture(citation, get));
      details.scrollIntoView({ block: "nearest" });
    };
    details.addEventListener("toggle", draw, { once: true });
  }
  return details;
}

/** A window on the page's picture; it begins where the quoted words are. */
function picture(citation, get) {
  const name = say("picture", { page: citation.page, file: citation.filename });
  const view = make("div", { class: "view", tabindex: "0", role: "region", "aria-label": name });
  const draw = () => {
    view.replaceChildren(make("p", { class: "note" }, say("pictureLoading")));
    load(citation, get, view, name).catch((error) => {
      if (error.code === "no_picture") view.remove(); // no PDF: the quote is all there is to see
      else view.replaceChildren(make("p", { class: "note" }, say("pictureFailed")), again);
    });
  };
  const click = () => {
    view.focus(); // the button goes
    draw();
  };
  const again = make("button", { type: "button", class: "retry", click }, say("retry"));
  draw();
  return view;
}

async function load(citation, get, view, name) {
  const [drawn, marked] = await Promise.all([
    get(`${citation.picture}?width=${WIDTH}`).then((answer) => answer.blob()),
    citation.marks ? boxes(citation.marks, get) : [],
  ]);
  const address = URL.createObjectURL(drawn);
  const image = make("img", { alt: name, src: address });
  await image.decode().finally(() => URL.revokeObjectURL(address));
  const sheet = make("div", { class: "sheet" }, image, ...marked.map(box));
  view.replaceChildren(sheet);
  const first = marked[0];
  if (first) {
    view.scrollLeft = first.x * view.scrollWidth - BESIDE;
    view.scrollTop = (first.y + first.height / 2) * view.scrollHeight - view.clientHeight / 2;
  }
}

/** Where the words are; a page without marks is better than none. */
const boxes = (address, get) =>
  get(address)
    .then((answer) => answer.json())
    .then((found) => found.boxes)
    .catch(() => []);

/** A line of quoted words; places are parts of the page, 0 to 1. */
function box({ x, y, width, height }) {
  const made = make("span", { class: "mark-box" });
  for (const [side, part] of Object.entries({ left: x, top: y, width, height })) {
    made.style[side] = `${part * 100}%`;
  }
  return made;
}
