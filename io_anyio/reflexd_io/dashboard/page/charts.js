// Charts as SVG of our own: columns, lines and a doughnut. Each tells its numbers to a pointer, to arrow keys, and in
// words to whoever cannot see it.

import { h, svg } from "./dom.js";

const MARGIN = { top: 8, right: 8, bottom: 22, left: 44 };
const HEIGHT = 190;
const LABEL = 90;

// One card with a title. `draw(width)` gives { shapes, count, tip(index), label, place(index) }.
export function chart(title, legend, draw, sort = "") {
  const box = h("div");
  const card = h("div", { class: `card chart ${sort}` }, h("h2", {}, title), box, legend ? keys(legend) : null);
  const redraw = () => show(box, draw(Math.max(220, box.clientWidth)));
  new ResizeObserver(redraw).observe(box);
  return card;
}

function keys(legend) {
  return h("ul", { class: "legend" }, ...legend.map(([kind, mark, words, number]) => h("li", {}, h("span", { class: kind }, `${mark} `), words, number ? h("b", {}, ` ${number}`) : null)));
}

function show(box, drawn) {
  if (!drawn) {
    box.replaceChildren(h("div", { class: "none" }, "Nothing in this time yet."));
    return;
  }
  const tip = h("div", { class: "tip", hidden: true });
  const rule = svg("line", { class: "rule", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
  const picture = svg("svg", { viewBox: `0 0 ${drawn.width} ${HEIGHT}`, height: HEIGHT, role: "img", tabindex: 0, "aria-label": drawn.label }, ...drawn.shapes, rule);
  let at = drawn.count - 1;
  const point = (index) => {
    at = Math.min(drawn.count - 1, Math.max(0, index));
    const x = drawn.place(at);
    rule.setAttribute("x1", x);
    rule.setAttribute("x2", x);
    rule.setAttribute("visibility", "visible");
    tip.textContent = drawn.tip(at);
    tip.hidden = false;
    const shift = x > drawn.width / 2 ? -tip.offsetWidth - 8 : 8;
    tip.style.left = `${Math.max(0, x + shift)}px`;
    tip.style.top = "2.2rem";
  };
  const hide = () => {
    tip.hidden = true;
    rule.setAttribute("visibility", "hidden");
  };
  picture.addEventListener("pointermove", (event) => point(drawn.near(event.offsetX)));
  picture.addEventListener("pointerleave", hide);
  picture.addEventListener("blur", hide);
  picture.addEventListener("focus", () => picture.matches(":focus-visible") && point(at));
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    point(step === -Infinity ? 0 : step === Infinity ? drawn.count - 1 : at + step);
  });
  box.replaceChildren(picture, tip);
}

// `shares`: where the scale has lines, of its height.
function frame(width, count, most, shown, times, shares = [0, 0.5, 1]) {
  const right = width - MARGIN.right, bottom = HEIGHT - MARGIN.bottom;
  const inner = right - MARGIN.left;
  const y = (number) => bottom - (bottom - MARGIN.top) * Math.min(1, number / (most || 1));
  const place = (index) => MARGIN.left + (inner * (index + 0.5)) / count;
  const shapes = shares.flatMap((share) => [
    svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(most * share), y2: y(most * share) }),
    svg("text", { x: MARGIN.left - 6, y: y(most * share) + 4, "text-anchor": "end" }, shown(most * share)),
  ]);
  for (const index of times.marks(Math.max(2, Math.floor(inner / LABEL)))) {
    const x = place(index);
    const anchor = x > right - LABEL / 3 ? "end" : "middle";
    shapes.push(svg("text", { x: anchor === "end" ? right : x, y: HEIGHT - 6, "text-anchor": anchor }, times(index)));
  }
  const near = (x) => Math.round(((x - MARGIN.left) / inner) * count - 0.5);
  return { shapes, y, place, near, each: inner / count };
}

// A round number at or above the greatest.
export function ceiling(number) {
  if (number <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(number));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((step) => step * unit).find((step) => step >= number);
}

// `stacks`: for each point, numbers in the order of `kinds`.
export function columns(width, { stacks, kinds, shown, times, tip, label }) {
  const most = ceiling(Math.max(...stacks.map((stack) => stack.reduce((sum, number) => sum + number, 0))));
  const { shapes, y, place, near, each } = frame(width, stacks.length, most, shown, times);
  const wide = Math.max(1, Math.min(28, each * 0.78));
  stacks.forEach((stack, index) => {
    let below = 0;
    stack.forEach((number, kind) => {
      if (!number) return;
      const top = y(below + number), height = Math.max(0.75, y(below) - top);
      shapes.push(svg("rect", { class: kinds[kind], x: place(index) - wide / 2, y: top, width: wide, height, rx: Math.min(2, wide / 4) }));
      below += number;
    });
  });
  return { width, shapes, count: stacks.length, place, near, tip, label };
}

// `lines`: [{ kind, numbers, dashed, area }], a number null where there is none; `scale` may be "log".
export function lines(width, { lines: drawn, most, shown, times, tip, label, scale }) {
  const count = drawn[0].numbers.length;
  const all = drawn.flatMap((line) => line.numbers).filter((number) => number !== null);
  const low = scale === "log" ? 10 ** Math.floor(Math.log10(Math.max(1e-2, Math.min(...all)))) : 0;
  const high = most ?? (scale === "log" ? 10 ** Math.ceil(Math.log10(Math.max(...all, low * 10))) : ceiling(Math.max(...all)));
  const share = (number) => scale === "log" ? Math.log10(Math.max(low, number) / low) / Math.log10(high / low) : number / high;
  const label01 = (part) => shown(Number((scale === "log" ? low * (high / low) ** part : part * high).toPrecision(6)));
  // Of a logarithmic scale the powers of ten are marked, every other one where there are many.
  const tens = Math.round(Math.log10(high / low)), each = Math.ceil(tens / 4);
  const shares = scale === "log" ? Array.from({ length: Math.floor(tens / each) + 1 }, (_, power) => (power * each) / tens) : undefined;
  const { shapes, y, place, near } = frame(width, count, 1, label01, times, shares);
  for (const { kind, numbers, dashed, area } of drawn) {
    for (const run of runs(numbers)) {
      const points = run.map((index) => [place(index), y(share(numbers[index]))]);
      const path = points.map(([x, height], number) => `${number ? "L" : "M"}${x.toFixed(1)} ${height.toFixed(1)}`).join("");
      if (area) shapes.push(svg("path", { class: `area ${kind}`, d: `${path}L${points.at(-1)[0].toFixed(1)} ${y(0)}L${points[0][0].toFixed(1)} ${y(0)}Z` }));
      shapes.push(svg("path", { class: `line ${kind}${dashed ? " dashed" : ""}`, d: path }));
      if (points.length === 1) shapes.push(svg("circle", { class: kind, cx: points[0][0], cy: points[0][1], r: dashed ? 2 : 3.5 }));
    }
  }
  return { width, shapes, count, place, near, tip, label };
}

// Indices of numbers that are there, in runs without a gap.
function runs(numbers) {
  const found = [];
  let open = null;
  numbers.forEach((number, index) => {
    if (number === null) open = null;
    else if (open) open.push(index);
    else found.push((open = [index]));
  });
  return found;
}

// `parts`: [kind, mark, words, number].
export function doughnut(title, parts, centre, below, shown) {
  const total = parts.reduce((sum, part) => sum + part[3], 0);
  const radius = 62, round = 2 * Math.PI * radius;
  let turned = 0;
  const arcs = parts.filter((part) => part[3]).map(([kind, , words, number]) => {
    const length = (number / total) * round;
    const gap = parts.filter((part) => part[3]).length > 1 ? Math.min(2, length / 3) : 0;
    const arc = svg("circle", { class: `${kind} arc`, cx: 90, cy: 90, r: radius, fill: "none", stroke: "currentColor", "stroke-width": 22, "stroke-dasharray": `${length - gap} ${round - length + gap}`, "stroke-dashoffset": -turned, transform: "rotate(-90 90 90)" }, svg("title", {}, `${words}: ${shown(number)}`));
    arc.style.fill = "none";
    turned += length;
    return arc;
  });
  const said = parts.filter((part) => part[3]).map(([, , words, number]) => `${words} ${shown(number)}`).join(", ");
  const picture = svg("svg", { viewBox: "0 0 180 180", height: HEIGHT, role: "img", "aria-label": `${title}: ${said}` }, ...arcs,
    svg("text", { class: "centre", x: 90, y: 96, "text-anchor": "middle" }, centre), svg("text", { x: 90, y: 114, "text-anchor": "middle" }, below));
  const body = total ? picture : h("div", { class: "none" }, "Nothing in this time yet.");
  return h("div", { class: "card chart" }, h("h2", {}, title), body, total ? keys(parts.filter((part) => part[3]).map(([kind, mark, words, number]) => [kind, mark, words, shown(number)])) : null);
}
