// Files on their way to the server: they go on while the person looks at other views.

import { authorization, refused } from "./api.js";
import { BASE } from "./server.js";
import { token } from "./session.js";

const AT_ONCE = 2; // more would only share the same line
const waiting = [];
const listeners = new Set();
let running = 0;
let all = [];

/** One file: { file, assistantId, state: "waiting"|"sending"|"failed", part, error }. */
export function upload(assistantId, files) {
  for (const file of files) {
    const one = { file, assistantId: String(assistantId), state: "waiting", part: 0, error: null, request: null };
    all = all.filter((other) => !isSame(other, one));
    all.push(one);
    waiting.push(one);
  }
  next();
}

const isSame = (one, other) =>
  one.assistantId === other.assistantId && one.file.name === other.file.name && one.state === "failed";

export const uploadsOf = (assistantId) => all.filter((one) => one.assistantId === String(assistantId));

export const isUploading = () => all.some((one) => one.state !== "failed");

/** Be told of every change until the signal ends it; finished uploads are told with their documents. */
export function watch(listener, signal) {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
}

export function again(one) {
  one.state = "waiting";
  one.error = null;
  waiting.push(one);
  next();
}

export function drop(one) {
  one.request?.abort();
  const at = waiting.indexOf(one);
  if (at >= 0) waiting.splice(at, 1);
  all = all.filter((other) => other !== one);
  tell();
}

/** Take all back: their user has gone. */
export function dropAll() {
  waiting.length = 0; // or they would begin where others end
  all.forEach(drop);
}

function tell(done = null) {
  listeners.forEach((listener) => listener(done));
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
  tell();
}

function send(one) {
  const used = token();
  const request = new XMLHttpRequest(); // fetch does not say how far an upload is
  const form = new FormData();
  form.append("files", one.file, one.file.name);
  one.state = "sending";
  one.part = 0;
  one.request = request;
  request.open("POST", `${BASE}/assistants/${one.assistantId}/documents/`);
  for (const [name, value] of Object.entries(authorization(used))) request.setRequestHeader(name, value);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) one.part = event.loaded / event.total;
    tell();
  });
  request.addEventListener("loadend", () => {
    running -= 1;
    finish(one, request, used);
    next();
  });
  request.send(form);
}

function finish(one, request, used) {
  if (!all.includes(one)) return; // taken back
  if (request.status === 201) {
    all = all.filter((other) => other !== one);
    tell(request.response);
    return;
  }
  one.state = "failed";
  one.error = refused(request.status, request.response ?? {}, used);
}

window.addEventListener("beforeunload", (event) => {
  if (isUploading()) event.preventDefault(); // the browser asks whether to leave
});
