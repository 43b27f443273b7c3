// What the server wrote into the page's head.

const meta = (name) => document.querySelector(`meta[name="aiconvokit-${name}"]`)?.content ?? "";

export const BASE = meta("base") || "/api/v1";
export const VERSION = meta("version");
export const UPLOAD_BYTES = Number(meta("upload-bytes"));
export const MAY_REGISTER = meta("registration") === "open";
