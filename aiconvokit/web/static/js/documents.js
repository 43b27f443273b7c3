// The documents of an assistant, with what each is doing: on its way, waiting, being read, ready.

import { announce, bar, iconButton, toast } from "./components.js";
import { confirm } from "./dialog.js";
import { h, isAbort, pause } from "./dom.js";
import { download, listAll, remove } from "./api.js";
import { icon } from "./icons.js";
import { save } from "./originals.js";
import { again, drop, uploadsOf, watch } from "./uploads.js";
import { bytes, has, sentence, t, tn } from "./texts.js";
import { told } from "./components.js";

const LOOK_MS = 1500;
const IDLE_MS = 15_000; // another window may add files, too

/** A list that keeps itself up to date until the signal ends it. */
export function documentList(assistantId, known, signal) {
  let documents = known;
  let wake = () => {};
  const element = h("ul.files", { "aria-label": t("documents.title") });
  const rows = new Map(); // drawn ones by name: a row that did not change keeps its focus

  const draw = () => {
    const uploads = uploadsOf(assistantId);
    const names = new Set(uploads.map((one) => one.file.name));
    const wanted = [
      ...documents.filter((one) => !names.has(one.filename)).map((one) => [`d${one.id}`, stateOf(one), () => row(one)]),
      ...uploads.map((one) => [`u${one.file.name}`, one.state === "failed" ? "failed" : "going", () => uploadRow(one)]),
    ];
    for (const [key] of [...rows]) if (!wanted.some(([other]) => other === key)) rows.delete(key);
    for (const [key, state, make] of wanted) {
      if (rows.get(key)?.state !== state) rows.set(key, { state, element: make() });
      rows.get(key).element.update?.();
    }
    const elements = wanted.map(([key]) => rows.get(key).element);
    for (const one of [...element.children]) if (!elements.includes(one)) one.remove();
    elements.forEach((one, at) => {
      if (element.children[at] !== one) element.insertBefore(one, element.children[at] ?? null);
    });
  };

  const row = (one) => documentRow(assistantId, one, async () => {
    await remove(`/assistants/${assistantId}/documents/${one.id}/`);
    documents = documents.filter((other) => other.id !== one.id);
    draw();
  });

  const look = async () => {
    while (!signal.aborted) {
      const isBusy = documents.some((one) => one.status === "queued" || one.status === "processing");
      await Promise.race([pause(isBusy ? LOOK_MS : IDLE_MS, signal), new Promise((done) => { wake = done; })]);
      if (document.hidden) continue;
      try {
        const fresh = await listAll(`/assistants/${assistantId}/documents/?limit=500`, signal);
        tellChanges(documents, fresh);
        documents = fresh;
        draw();
      } catch (error) {
        if (isAbort(error)) throw error; // any other: the next look may do
      }
    }
  };

  watch((done) => {
    if (done) {
      documents = [...documents.filter((one) => !done.some((other) => other.id === one.id)), ...done];
      wake();
    }
    draw();
  }, signal);
  draw();
  look().catch(() => {});
  return element;
}

function tellChanges(before, after) {
  for (const one of after) {
    const was = before.find((other) => other.id === one.id);
    if (was && was.status !== one.status && (one.status === "ready" || one.status === "failed")) {
      announce(`${one.filename}: ${t(`documents.${one.status}`)}`);
    }
  }
}

const stateOf = (one) => JSON.stringify([one.status, one.error, one.progress ?? null, one.version, one.pages, one.bytes]);

function documentRow(assistantId, one, take) {
  const drop = () => confirm(t("documents.delete.title"), t("documents.delete.text", { name: one.filename }), t("action.delete"), take);
  const fetchIt = async () => {
    try {
      save((await download(`/assistants/${assistantId}/documents/${one.id}/content/`)).blob, one.filename);
    } catch (error) {
      toast(told(error), "error");
    }
  };
  return line(one.status, one.filename, status(one), [
    iconButton("download", t("documents.download", { name: one.filename }), fetchIt),
    iconButton("trash", t("documents.delete", { name: one.filename }), drop),
  ]);
}

function uploadRow(one) {
  if (one.state === "failed") {
    return line("failed", one.file.name, [h("p.file-note.bad", {}, told(one.error))], [
      iconButton("retry", t("documents.again", { name: one.file.name }), () => again(one)),
      iconButton("close", t("documents.forget", { name: one.file.name }), () => drop(one)),
    ]);
  }
  const sent = bar(t("documents.upload", { name: one.file.name }), one.part);
  const note = h("p.file-note");
  const element = line("sending", one.file.name, [sent, note], [
    iconButton("close", t("documents.stop", { name: one.file.name }), () => drop(one)),
  ]);
  element.update = () => {
    const percent = Math.round(one.part * 100);
    sent.set(one.part);
    note.textContent = one.state === "waiting" ? t("documents.next") : t("documents.sending", { percent, size: bytes(one.file.size) });
  };
  return element;
}

const SYMBOLS = { ready: "check", failed: "alert", queued: "clock", processing: "book", sending: "upload" };

function line(state, name, notes, actions) {
  return h(`li.file.${state}`, {},
    h("span.file-symbol", {}, icon(SYMBOLS[state])),
    h("div.file-body", {}, h("p.file-name", {}, name), notes),
    h("div.file-actions", {}, actions));
}

function status(one) {
  if (one.status === "ready") {
    return [h("p.file-note", {}, h("span.good", {}, t("documents.ready")), ` · ${tn("documents.pages", one.pages ?? 1)} · ${bytes(one.bytes)}`)];
  }
  if (one.status === "failed") return [h("p.file-note.bad", {}, why(one.error))];
  if (one.status === "queued") {
    return [h("p.file-note", {}, one.error ? t("documents.held", { why: sentence(one.error.detail) ?? one.error.detail }) : t("documents.queued"))];
  }
  if (!one.progress) return [bar(t("documents.reading"), null), h("p.file-note", {}, t("documents.reading"))];
  const { page, pages } = one.progress;
  const words = t("documents.page", { page, pages });
  return [bar(words, page / Math.max(pages, 1)), h("p.file-note", {}, words)];
}

/** Why a file could not be read, and what helps. */
function why(error) {
  const key = `failed.${error?.code}`;
  const detail = error?.detail ?? t("documents.failed");
  return has(key) ? t(key) : `${sentence(detail) ?? detail} ${t("failed.other")}`;
}
