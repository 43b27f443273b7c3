// A page as text, the quoted words marked; for documents that have no pictures.

import { get } from "./api.js";
import { button } from "./components.js";
import { fill, h } from "./dom.js";
import { t } from "./texts.js";

const AROUND = 1500; // characters before and after; the rest comes on demand

/** The text of a place; `heading` is a path of headings, or fetches one. */
export async function pageText(spot, heading, signal) {
  const version = spot.version ? `?version=${spot.version}` : "";
  const [page, path] = await Promise.all([
    get(`${spot.where}/pages/${spot.page}/${version}`, signal),
    typeof heading === "function" ? heading().catch(() => "") : heading,
  ]);
  const letters = Array.from(page.text); // offsets count code points, not UTF-16 units
  const text = h("div.page-text", { tabindex: "0", role: "region", "aria-label": spot.isPaged ? t("proof.text", { page: spot.page }) : t("proof.text.of", { filename: spot.filename ?? "" }) });
  const show = (from, to) => {
    const cut = (one, other) => letters.slice(Math.max(from, one), Math.min(to, other)).join("");
    const { start = 0, end = 0 } = spot;
    fill(
      text,
      from > 0 && rest(),
      cut(0, start),
      end > start && h("mark.found", {}, cut(start, end)),
      cut(end, letters.length),
      to < letters.length && rest(),
    );
  };
  const rest = () => h("p.rest", {}, button(t("proof.whole"), () => show(0, letters.length), { kind: "quiet" }));
  const isLong = letters.length > 4 * AROUND;
  if (isLong && spot.end) show(Math.max(0, spot.start - AROUND), Math.min(letters.length, spot.end + AROUND));
  else show(0, letters.length);
  return h("div.text-proof", {},
    path && h("p.heading-path", {}, path.split(" > ").map((one, at) => [at > 0 && h("span", { "aria-hidden": "true" }, " › "), one])),
    page.label && h("p.hint", {}, t("proof.label", { label: page.label })),
    text);
}
