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
  const signals = [signal, endless ? null : AbortSignal.timeout(WAIT_MS)].filter(Boolean);
  const options = {
    method,
    headers: { ...authorization(), ...headers },
    signal: signals.length ? AbortSignal.any(signals) : undefined,
    cache: "no-store",
    credentials: "omit",
  };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path.startsWith("/") ? BASE + path : path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0);
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response) {
  const body = await response.json().catch(() => ({}));
  return refused(response.status, body);
}

/** The error for a refusal; one of the token ends the session. */
export function refused(status, body) {
  if (status === 401 && token()) {
    forget();
    window.dispatchEvent(new CustomEvent(SESSION_ENDED));
  }
  return new ApiError(status, body);
}

export function authorization() {
  const known = token();
  return known ? { Authorization: `Token ${known}` } : {};
}

async function json(method, path, options) {
  const response = await send(method, path, options);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new ApiError(0); // the connection broke in the middle of the body
  }
}

export const get = (path, signal) => json("GET", path, { signal });
export const post = (path, body, signal) => json("POST", path, { body, signal });
export const put = (path, body, signal) => json("PUT", path, { body, signal });
export const remove = (path) => json("DELETE", path, {});

/** A part of a list, and the path of the next one (null: that was the end). */
export async function list(path, signal) {
  const response = await send("GET", path, { signal });
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  return { items: await response.json(), next: next ? relative(next[1]) : null };
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
  return response.blob();
}

/** A file and the name that the server gives it. */
export async function download(path) {
  const response = await send("GET", path, {});
  const named = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("Content-Disposition") ?? "");
  const plain = /filename="?([^";]+)"?/i.exec(response.headers.get("Content-Disposition") ?? "");
  const name = named ? decodeURIComponent(named[1]) : plain?.[1];
  return { name, blob: await response.blob() };
}
