// Files as they were uploaded: shown in a tab of their own, or saved.

import { blob } from "./api.js";
import { t } from "./texts.js";

const KEEP_MS = 60_000; // how long the browser may take to open what it was given

/**
 * Types that a browser shows without running anything of them, and as what they are opened. A page
 * of HTML would stand at our own address: such files are saved, never shown.
 */
const SHOWN = { "application/pdf": "application/pdf", "text/plain": "text/plain;charset=utf-8", "text/markdown": "text/plain;charset=utf-8", "text/csv": "text/plain;charset=utf-8" };

/** Save a Blob under a name. */
export function save(content, name) {
  const address = URL.createObjectURL(content);
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name ?? "download";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
}

/** Open a document's original; `page` is where a viewer of PDFs begins. */
export async function openOriginal(assistantId, document, page) {
  const kind = SHOWN[document.media_type.split(";")[0]];
  const tab = kind ? window.open("", "_blank") : null; // now, while the click allows it
  if (tab) {
    tab.opener = null;
    tab.document.title = t("state.loading");
  }
  try {
    const content = await blob(`/assistants/${assistantId}/documents/${document.id}/content/`);
    if (!tab) {
      save(content, document.filename);
      return;
    }
    const address = URL.createObjectURL(new Blob([content], { type: kind }));
    tab.location.replace(kind === "application/pdf" ? `${address}#page=${page}` : address);
    setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
  } catch (error) {
    tab?.close();
    throw error;
  }
}
