// Calls of the server's API: the token goes along, and whatever goes wrong becomes an ApiError.

import { BASE } from "./server.js";
import { forget, token } from "./session.js";

const WAIT_MS = 60_000; // a server that is silent for longer will not answer; streams have no end

export const SESSION_ENDED = "aiconvokit:session-ended";

/** What the server said went wrong: a sentence, a code, and sentences by field. */
export class ApiError extends Error {
  constructor(status, body = {}) {
    const fields = status === 400 && !body.detail ? body : {};
    super(body.detail ?? Object.values(fields).flat().join(" "));
    this.name = "ApiError";
    this.status = status; // 0: no answer came
    this.code = body.code ?? (status === 0 ? "offline" : `http_${status}`);
    this.fields = fields;
  }
}

/** A request with the token; resolves to the Response once its status is fine. */
export async function send(method, path, { body, signal, headers = {}, endless = false } = {}) {
  const used = token();
  const late = new AbortController();
  const options = {
    method,
    headers: { ...authorization(used), ...headers },
    signal: AbortSignal.any([signal, late.signal].filter(Boolean)),
    cache: "no-store",
    credentials: "omit",
  };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const timer = endless ? null : setTimeout(() => late.abort(), WAIT_MS);
  let response;
  try {
    response = await fetch(path.startsWith("/") ? BASE + path : path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0);
  } finally {
    clearTimeout(timer); // the server speaks: a large body may take longer
  }
  if (!response.ok) throw await failure(response, used);
  return response;
}

async function failure(response, used) {
  const body = await response.json().catch(() => ({}));
  return refused(response.status, body, used);
}

/** The error for a refusal; one of the token ends the session, unless another one has begun since. */
export function refused(status, body, used) {
  if (status === 401 && used && used === token()) {
    forget();
    window.dispatchEvent(new CustomEvent(SESSION_ENDED));
  }
  return new ApiError(status, body);
}

export const authorization = (used) => (used ? { Authorization: `Token ${used}` } : {});

/** The body as "json" or "blob". */
async function read(response, kind, signal) {
  try {
    return await response[kind]();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0); // the connection broke in the middle of the body
  }
}

async function json(method, path, options) {
  const response = await send(method, path, options);
  return response.status === 204 ? null : read(response, "json", options.signal);
}

export const get = (path, signal) => json("GET", path, { signal });
export const post = (path, body, signal) => json("POST", path, { body, signal });
export const put = (path, body, signal) => json("PUT", path, { body, signal });
export const remove = (path) => json("DELETE", path, {});

/** A part of a list, and the path of the next one (null: that was the end). */
export async function list(path, signal) {
  const response = await send("GET", path, { signal });
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  return { items: await read(response, "json", signal), next: next ? relative(next[1]) : null };
}

/** The whole of a list that is known to be short. */
export async function listAll(path, signal) {
  const items = [];
  for (let next = path; next; ) {
    const part = await list(next, signal);
    items.push(...part.items);
    next = part.next;
  }
  return items;
}

/** Addresses in answers may name another host than the one the page came from (a proxy). */
function relative(address) {
  const url = new URL(address, location.href);
  return (url.pathname + url.search).slice(BASE.length);
}

/** A file as a Blob. */
export async function blob(path, signal) {
  const response = await send("GET", path, { signal });
  return read(response, "blob", signal);
}

/** A file and the name that the server gives it. */
export async function download(path) {
  const response = await send("GET", path, {});
  const named = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("Content-Disposition") ?? "");
  const plain = /filename="?([^";]+)"?/i.exec(response.headers.get("Content-Disposition") ?? "");
  const name = named ? decodeURIComponent(named[1]) : plain?.[1];
  return { name, blob: await read(response, "blob") };
}
