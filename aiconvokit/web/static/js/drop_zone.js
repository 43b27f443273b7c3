// Where files are dropped or chosen; the button makes it work without a mouse.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { UPLOAD_BYTES } from "./server.js";
import { size, t } from "./texts.js";

const TYPES =
  ".pdf,.docx,.docm,.pptx,.pptm,.xlsx,.xlsm,.csv,.tsv,.html,.htm,.md,.markdown,.txt," +
  ".epub,.json,.jsonl,.ndjson,.png,.jpg,.jpeg,.tif,.tiff,.webp";

/** A zone that hands files to `take(files)`. */
export function dropZone(take) {
  const input = h("input.sr", { type: "file", multiple: true, accept: TYPES, tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  const zone = h(
    "div.drop",
    {},
    h("div.medallion", {}, icon("upload")),
    h("p.drop-title", {}, t("drop.title")),
    h("button.button", { type: "button", onclick: () => input.click(), "aria-describedby": "drop-types" }, t("drop.choose")),
    h("p.hint", { id: "drop-types" }, t("drop.types", { size: size(UPLOAD_BYTES) })),
    input,
  );
  let depth = 0; // dragenter and dragleave come for every child, too
  const mark = (step) => {
    depth = step === 0 ? 0 : depth + step;
    zone.classList.toggle("over", depth > 0);
  };
  zone.addEventListener("dragenter", (event) => { event.preventDefault(); mark(1); });
  zone.addEventListener("dragleave", () => mark(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(0);
    take([...event.dataTransfer.files]);
  });
  return zone;
}
