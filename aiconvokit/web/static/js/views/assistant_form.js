// Make an assistant, or change one: its words, and its documents.

import { get, post, put, remove } from "../api.js";
import { button, into, link, skeleton, title, toast } from "../components.js";
import { confirm } from "../dialog.js";
import { fill, h } from "../dom.js";
import { documentList } from "../documents.js";
import { dropZone } from "../drop_zone.js";
import { area, field, form, text, values } from "../form.js";
import { iconButton } from "../components.js";
import { icon } from "../icons.js";
import { hold } from "../leaving.js";
import { go } from "../router.js";
import { bytes, t } from "../texts.js";
import { upload } from "../uploads.js";

export async function assistantForm({ root, params, signal }) {
  const place = h("div.page.narrow");
  root.append(place);
  if (!params.id) {
    fill(place, fresh(signal));
    place.querySelector("input").focus();
    return;
  }
  await into(place, () => get(`/assistants/${params.id}/`, signal), (found) => existing(found, signal), { shape: () => skeleton(4, "block"), signal, back: { text: t("assistants.back"), path: "/assistants" } });
}

/** Hold a form's words; the function that is returned says that they are saved as they stand. */
function holdWords(element, signal, more = () => false) {
  const now = () => JSON.stringify(values(element));
  let saved = now();
  hold(() => now() !== saved || more(), signal);
  return () => { saved = now(); };
}

function words(one = {}) {
  return [
    h("div.columns", {},
      field("name", t("assistant.name"), text({ value: one.name, maxlength: 255, required: true }), t("assistant.name.hint")),
      field("company_name", t("assistant.company"), text({ value: one.company_name, maxlength: 255, required: true, autocomplete: "organization" }), t("assistant.company.hint"))),
    field("instructions", t("assistant.instructions"), area({ rows: 5, maxlength: 100000, required: true }, one.instructions ?? t("assistant.instructions.default")), t("assistant.instructions.hint")),
  ];
}

function fresh(signal) {
  let files = [];
  const chosen = h("ul.files");
  const draw = () => fill(chosen, files.map((file) =>
    h("li.file.sending", {},
      h("span.file-symbol", {}, icon("file")),
      h("div.file-body", {}, h("p.file-name", {}, file.name), h("p.file-note", {}, bytes(file.size))),
      h("div.file-actions", {}, iconButton("close", t("documents.forget", { name: file.name }), () => { files = files.filter((one) => one !== file); draw(); })))));
  const take = (more) => {
    files = [...files.filter((one) => !more.some((other) => other.name === one.name)), ...more];
    draw();
  };
  const send = async (given) => {
    const made = await post("/assistants/", given);
    if (files.length) upload(made.id, files);
    files = [];
    keep();
    go(`/assistants/${made.id}/edit`);
    toast(t("assistant.made"));
  };
  const actions = [link(t("action.cancel"), "/assistants", { kind: "quiet" }), button(t("assistant.make"), null, { kind: "primary", type: "submit" })];
  const documents = h("fieldset.documents", {}, h("legend", {}, t("documents.title")), dropZone(take), chosen);
  const element = form([...words(), documents], actions, send, { class: "card-form" });
  const keep = holdWords(element, signal, () => files.length > 0);
  return [back(), title(t("assistants.new")), h("p.lead", {}, t("assistant.new.text")), element];
}

function existing(one, signal) {
  const send = async (given) => {
    const changed = await put(`/assistants/${one.id}/`, given);
    keep();
    head.textContent = changed.name;
    toast(t("action.saved"));
  };
  const head = title(one.name);
  const drop = () => confirm(t("assistant.delete.title"), t("assistant.delete.text", { name: one.name }), t("action.delete"), async () => {
    await remove(`/assistants/${one.id}/`);
    keep(); // there is nothing left to lose
    go("/assistants");
    toast(t("assistant.deleted"));
  });
  const actions = [button(t("action.save"), null, { kind: "primary", type: "submit" })];
  const element = form(words(one), actions, send);
  const keep = holdWords(element, signal);
  return h("div", {},
    back(),
    h("div.page-head", {}, head, link(t("assistants.ask"), `/assistants/${one.id}/chat`, { kind: "primary", symbol: "chats" })),
    h("section.block", { "aria-label": t("documents.title") },
      h("h2", {}, t("documents.title")),
      dropZone((files) => upload(one.id, files)),
      documentList(one.id, one.documents, signal)),
    h("section.block", { "aria-label": t("assistant.words") }, h("h2", {}, t("assistant.words")), element),
    h("section.block.danger-zone", { "aria-label": t("assistant.delete.title") },
      h("h2", {}, t("assistant.delete.title")),
      h("p", {}, t("assistant.delete.hint")),
      button(t("assistant.delete"), drop, { kind: "danger", symbol: "trash" })));
}

const back = () => h("p.back", {}, link(t("assistants.title"), "/assistants", { symbol: "left" }));
