// A page as a picture, with boxes over the words that were quoted.

import { blob, get } from "./api.js";
import { h } from "./dom.js";
import { t } from "./texts.js";

const STEP = 200; // the server draws in widths of this step
const WIDEST = 2400;
const NARROWEST = 600;
const KEPT = 12; // pictures of a session, so that turning back is at once

const pictures = new Map();

/** Nothing of a user stays for the next one. */
export function forgetPictures() {
  for (const address of pictures.values()) URL.revokeObjectURL(address);
  pictures.clear();
}

/** The picture of a place, or null where the document has none. */
export async function pagePicture(spot, zoom, room, signal) {
  const wanted = (room || NARROWEST) * zoom * (window.devicePixelRatio || 1);
  const width = Math.min(WIDEST, Math.max(NARROWEST, Math.ceil(wanted / STEP) * STEP));
  try {
    const [address, marks] = await Promise.all([picture(spot, width, signal), boxes(spot, signal)]);
    return draw(spot, address, marks, zoom);
  } catch (error) {
    if (error.code === "no_picture") return null;
    throw error;
  }
}

const query = (values) =>
  new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined)).toString();

async function picture({ where, version, page }, width, signal) {
  const path = `${where}/pages/${page}/picture/?${query({ version, width })}`;
  const known = pictures.get(path);
  if (known) return known;
  const address = URL.createObjectURL(await blob(path, signal));
  pictures.set(path, address);
  if (pictures.size > KEPT) {
    const [oldest, gone] = pictures.entries().next().value;
    pictures.delete(oldest);
    setTimeout(() => URL.revokeObjectURL(gone), 10_000); // it may still be on the screen
  }
  return address;
}

/** Where the words are; a page without them has no boxes, and no marks are no reason for no page. */
async function boxes({ where, version, page, start, end }, signal) {
  if (start === undefined || end === undefined) return [];
  try {
    return (await get(`${where}/pages/${page}/marks/?${query({ version, start, end })}`, signal)).boxes;
  } catch (error) {
    if (signal.aborted) throw error;
    return [];
  }
}

async function draw(spot, address, marks, zoom) {
  const image = h("img", { src: address, alt: t("proof.picture", { page: spot.page, filename: spot.filename ?? "" }), draggable: "false" });
  await image.decode().catch(() => {});
  const sheet = h("div.sheet", {}, image, marks.map(box));
  sheet.style.width = `${zoom * 100}%`;
  return h("div.sheet-frame", { tabindex: "0", role: "region", "aria-label": t("proof.picture", { page: spot.page, filename: spot.filename ?? "" }) },
    sheet, marks.length > 0 && h("p.sr", {}, t("proof.marked")));
}

function box(one, at) {
  const element = h(`div.box${at === 0 ? ".found" : ""}`, { "aria-hidden": "true" });
  element.style.left = `${one.x * 100}%`;
  element.style.top = `${one.y * 100}%`;
  element.style.width = `${one.width * 100}%`;
  element.style.height = `${one.height * 100}%`;
  return element;
}
