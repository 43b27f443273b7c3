// The proof of a quote: the page it stands on, as a picture with the words marked, or as text.

import { get } from "./api.js";
import { iconButton, button, failed, skeleton, toast, told } from "./components.js";
import { fill, h, isAbort } from "./dom.js";
import { openOriginal } from "./originals.js";
import { pagePicture } from "./proof_picture.js";
import { pageText } from "./proof_text.js";
import { t } from "./texts.js";

const ZOOMS = [1, 1.5, 2, 3];
const NARROW = matchMedia("(max-width: 40rem)"); // a whole page is too small to be read there
const PDF = "application/pdf"; // the one format that has pages to be drawn
const BESIDE = 16; // px of the page that are seen left of the first marked word

/**
 * The content of the panel for a place: { document_id, version?, page, start?, end?, quote?, stale?,
 * heading? } of an assistant; `heading` may be a function that fetches the path of headings.
 */
export function proof(assistantId, place, signal) {
  const where = `/assistants/${assistantId}/documents/${place.document_id}`;
  // pictures: whether there are any; null: the document will say
  const state = { page: place.page, zoom: NARROW.matches ? 2 : 0, asText: false, pictures: isCalledPdf(place.filename) || null, pages: null };
  const stage = h("div.stage");
  const label = h("span.page-label", { "aria-live": "polite" });
  const previous = iconButton("left", t("proof.previous"), () => turn(-1));
  const next = iconButton("right", t("proof.next"), () => turn(1));
  const smaller = iconButton("smaller", t("proof.smaller"), () => zoom(-1));
  const bigger = iconButton("bigger", t("proof.bigger"), () => zoom(1));
  const other = button("", () => { state.asText = !state.asText; draw(); }, { kind: "quiet" });
  const note = h("p.note", { hidden: !place.stale }, t("proof.stale"));
  const original = button(t("proof.original"), () => openIt(), { kind: "quiet", symbol: "open" });
  const pager = h("div.tool-group", {}, previous, label, next);
  const tools = h("div.tools", { role: "toolbar", "aria-label": t("proof.tools") },
    pager, h("div.tool-group", {}, smaller, bigger), h("div.tool-group", {}, other, original));
  let turning = new AbortController();

  function turn(step) {
    state.page += step;
    draw();
  }

  function zoom(step) {
    state.zoom = Math.max(0, Math.min(ZOOMS.length - 1, state.zoom + step));
    draw();
  }

  async function openIt() {
    try {
      await openOriginal(assistantId, await document_(), state.page);
    } catch (error) {
      toast(told(error), "error");
    }
  }

  let known = null;
  const document_ = () => (known ??= get(`${where}/`, signal).catch((error) => { known = null; throw error; }));

  function show() {
    const last = state.pages ?? Infinity;
    const isOne = state.pages !== null && last <= 1;
    pager.hidden = !state.pictures && (isOne || state.pictures === null); // only what is long is cut into pages
    label.textContent = state.pages ? t("proof.of", { page: state.page, pages: state.pages }) : t("proof.page", { page: state.page });
    previous.disabled = state.page <= 1;
    next.disabled = state.page >= last;
    const isPicture = state.pictures && !state.asText;
    smaller.disabled = !isPicture || state.zoom === 0;
    bigger.disabled = !isPicture || state.zoom === ZOOMS.length - 1;
    smaller.hidden = bigger.hidden = !isPicture;
    other.hidden = !state.pictures;
    other.querySelector("span").textContent = t(state.asText ? "proof.as_picture" : "proof.as_text");
  }

  async function draw() {
    turning.abort();
    turning = new AbortController();
    const mine = AbortSignal.any([turning.signal, signal]);
    show();
    if (!stage.querySelector(".sheet") || state.asText) fill(stage, skeleton(1, "sheet-shape"));
    stage.setAttribute("aria-busy", "true");
    try {
      if (state.pictures === null) await learnt;
      if (mine.aborted) return;
      fill(stage, await content(present(), mine));
      center(stage.firstElementChild);
    } catch (error) {
      if (!isAbort(error)) fill(stage, failed(error, draw));
    } finally {
      if (!mine.aborted) stage.removeAttribute("aria-busy");
    }
  }

  /** The page that is looked at; only the one that was opened has marked words. */
  function present() {
    const marked = state.page === place.page ? { start: place.start, end: place.end } : {};
    return { where, version: place.version, page: state.page, filename: place.filename, isPaged: !pager.hidden, ...marked };
  }

  async function content(spot, mine) {
    if (state.pictures && !state.asText) {
      const picture = await pagePicture(spot, ZOOMS[state.zoom], stage.clientWidth, mine);
      if (picture) return picture;
      state.pictures = false;
      show();
    }
    return pageText(spot, place.heading, mine);
  }

  function learn(found) {
    const isStale = place.stale || (place.version ?? found.version) !== found.version;
    note.hidden = !isStale;
    original.hidden = isStale; // only the newest version's bytes are kept
    state.pages = isStale ? null : found.pages;
    state.pictures ??= found.media_type === PDF;
    show();
  }

  const learnt = document_().then(learn, () => { state.pictures ??= false; });
  queueMicrotask(draw);
  return h("div.proof", {},
    place.quote && h("blockquote.quote", {}, h("p", {}, place.quote)),
    note,
    tools,
    stage,
  );
}

const isCalledPdf = (name) => /\.pdf$/i.test(name ?? "");

/** Bring the marked words into the middle of what scrolls, their beginning at least, and scroll nothing else. */
function center(content) {
  const found = content.querySelector(".found");
  const frame = found?.closest(".sheet-frame, .page-text");
  if (!frame) return;
  const [inner, outer] = [found.getBoundingClientRect(), frame.getBoundingClientRect()];
  frame.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
  const middle = inner.left + inner.width / 2 - outer.left - outer.width / 2;
  frame.scrollLeft += Math.min(middle, inner.left - outer.left - BESIDE);
}
