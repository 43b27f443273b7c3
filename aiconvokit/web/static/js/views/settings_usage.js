// Usage per day: a chart, and the same numbers as a table.

import { listAll } from "../api.js";
import { barChart } from "../chart.js";
import { empty, into, skeleton } from "../components.js";
import { fill, h } from "../dom.js";
import { field, select } from "../form.js";
import { day, number, t } from "../texts.js";

const DAY_MS = 86_400_000;
const SPANS = [7, 30, 90];

export function usage({ root, signal }) {
  const place = h("div");
  const span = select(SPANS.map((days) => [days, t("usage.days", { days })]), 30);
  const kind = select([["questions", t("usage.questions")], ["tokens", t("usage.tokens")]], "questions");
  const load = () => into(place, () => fetchDays(Number(span.value), signal), (days) => draw(days, kind.value), { shape: () => skeleton(1, "card"), signal });
  span.addEventListener("change", load);
  kind.addEventListener("change", load);
  fill(root, h("section.block", {},
    h("h2", {}, t("settings.usage")),
    h("div.columns", {}, field("span", t("usage.span"), span), field("kind", t("usage.kind"), kind)),
    place));
  load();
}

const iso = (time) => new Date(time).toISOString().slice(0, 10);

/** One entry for each day, oldest first, over all assistants; days without questions are zero. */
async function fetchDays(count, signal) {
  const last = Date.now();
  const first = last - (count - 1) * DAY_MS;
  const rows = await listAll(`/usage/?from=${iso(first)}&to=${iso(last)}&limit=500`, signal);
  return Array.from({ length: count }, (_, at) => {
    const day = iso(first + at * DAY_MS);
    const mine = rows.filter((one) => one.day === day);
    const sum = (key) => mine.reduce((total, one) => total + one[key], 0);
    return { day, questions: sum("questions"), read: sum("prompt_tokens"), written: sum("completion_tokens") };
  });
}

function draw(days, kind) {
  const total = (pick) => days.reduce((sum, one) => sum + pick(one), 0);
  if (total((one) => one.questions) === 0) return empty("chats", t("usage.empty"), t("usage.empty.text"));
  const pick = kind === "tokens" ? (one) => one.read + one.written : (one) => one.questions;
  const busy = days.filter((one) => one.questions > 0).reverse();
  return [
    h("dl.sums", {}, sum(t("usage.questions"), total((one) => one.questions)), sum(t("usage.read"), total((one) => one.read)), sum(t("usage.written"), total((one) => one.written))),
    h("figure", {}, h("figcaption", {}, t(kind === "tokens" ? "usage.chart.tokens" : "usage.chart.questions")),
      barChart(days.map((one) => ({ label: day(one.day), value: pick(one) })))),
    h("details", {}, h("summary", {}, t("usage.table")), h("div.table", { tabindex: "0", role: "region", "aria-label": t("usage.table") }, table(busy))),
  ];
}

const sum = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, number(value)));

function table(days) {
  const head = [t("usage.day"), t("usage.questions"), t("usage.read"), t("usage.written")];
  return h("table", {},
    h("thead", {}, h("tr", {}, head.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, days.map((one) => h("tr", {}, h("th", { scope: "row" }, day(one.day)), [one.questions, one.read, one.written].map((value) => h("td", {}, number(value)))))));
}
