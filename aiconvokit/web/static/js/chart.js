// A chart of bars as SVG: the axis at the left, the first and the last label below.

import { svg } from "./dom.js";
import { number, t } from "./texts.js";

const WIDTH = 640;
const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 26;
const TOP = 10;
const LINES = 4;

/** `bars` are { label, value }, the oldest first. The numbers also stand in a table beside it. */
export function barChart(bars) {
  const top = nice(Math.max(...bars.map((one) => one.value), 1));
  const high = HEIGHT - TOP - BOTTOM;
  const y = (value) => TOP + high * (1 - value / top);
  const step = (WIDTH - LEFT) / bars.length;
  const grid = Array.from({ length: LINES + 1 }, (_, at) => (top * at) / LINES).map((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, number(value, { notation: "compact" })),
  ]);
  const columns = bars.map((one, at) =>
    svg("rect", { class: "column", x: LEFT + at * step + step * 0.14, y: y(one.value), width: step * 0.72, height: Math.max(0, TOP + high - y(one.value)), rx: Math.min(3, step * 0.2) },
      svg("title", {}, `${one.label}: ${number(one.value)}`)));
  const labels = [
    svg("text", { class: "tick", x: LEFT, y: HEIGHT - 6 }, bars[0].label),
    svg("text", { class: "tick", x: WIDTH, y: HEIGHT - 6, "text-anchor": "end" }, bars.at(-1).label),
  ];
  const best = bars.reduce((one, other) => (other.value > one.value ? other : one));
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": t("chart.name", { n: bars.length, label: best.label, value: number(best.value) }) }, grid, columns, labels);
}

/** The next round number that four lines divide well. */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 2, 4, 8, 10].map((one) => one * power).find((one) => one >= value);
  return Math.max(LINES, found);
}
