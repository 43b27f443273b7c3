// A chart of bars as SVG: the axis at the left, the first and the last label below.

import { svg } from "./dom.js";
import { number, t } from "./texts.js";

const LINES = 4;
const MANY = 40; // bars, which are too thin for round corners then

// Places are parts of the drawing, which the stylesheet sizes: its letters are as large on a phone.
const part = (value) => `${(100 * value).toFixed(3)}%`;

/** `bars` are { label, value }, the oldest first. The numbers also stand in a table beside it. */
export function barChart(bars) {
  const top = nice(Math.max(...bars.map((one) => one.value), 1));
  const y = (value) => part(1 - value / top);
  const step = 1 / bars.length;
  const grid = Array.from({ length: LINES + 1 }, (_, at) => (top * at) / LINES).map((value) => [
    svg("line", { class: "grid", x1: 0, x2: "100%", y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", y: y(value), dx: -8, dy: 4, "text-anchor": "end" }, number(value, { notation: "compact" })),
  ]);
  const columns = bars.map((one, at) =>
    svg("rect", { class: "column", x: part((at + 0.14) * step), y: y(one.value), width: part(0.72 * step), height: part(one.value / top), rx: bars.length > MANY ? 1 : 3 },
      svg("title", {}, `${one.label}: ${number(one.value)}`)));
  const labels = [
    svg("text", { class: "tick", y: "100%", dy: 20 }, bars[0].label),
    svg("text", { class: "tick", x: "100%", y: "100%", dy: 20, "text-anchor": "end" }, bars.at(-1).label),
  ];
  const best = bars.reduce((one, other) => (other.value > one.value ? other : one));
  return svg("svg", { class: "chart", role: "img", "aria-label": t("chart.name", { n: bars.length, label: best.label, value: number(best.value) }) }, grid, columns, labels);
}

/** The next round number that four lines divide well. */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 2, 4, 8, 10].map((one) => one * power).find((one) => one >= value);
  return Math.max(LINES, found);
}
