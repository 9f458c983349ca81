// The overview: what was saved, how often and how fast, in the chosen time.

import { ask, query } from "./api.js";
import { chart, columns, doughnut, lines } from "./charts.js";
import { STATUSES, choice, clock, h, money, percent, short, size, status, svg, text, took, whole } from "./dom.js";
import { tried } from "./notes.js";

const RANGES = [["today", "Today"], ["7d", "7 days"], ["30d", "30 days"], ["ever", "Ever"]];
const KINDS = ["hit-l1-exact", "hit-l3-verified", "hit-l2-semantic", "miss", "bypass"];
const LATEST = 8;
const STEPS = 56;

let range = "today";
let root, place, latest;
let asked = 0;

export function mount(section) {
  root = section;
  place = h("div");
  latest = h("tbody");
  root.append(h("div", { class: "bar" }, h("h1", {}, "What Reflex saved"), choice("Time", RANGES, range, (chosen) => {
    range = chosen;
    refresh();
  })), place);
}

export async function refresh() {
  const turn = ++asked;
  const stats = await tried(() => ask("GET", query("/admin/stats", { range })));
  if (stats && turn === asked && !root.contains(document.activeElement?.closest?.("svg"))) draw(stats);
}

export function told(rows) {
  for (const row of rows) latest.prepend(line(row));
  while (latest.children.length > LATEST) latest.lastChild.remove();
}

function draw(stats) {
  if (!stats.exchanges && !stats.storage.length) {
    place.replaceChildren(firstSteps());
    return;
  }
  const parts = KINDS.map((kind) => [...STATUSES[kind], number(stats, kind)]);
  parts.splice(3, 0, [...STATUSES.coalesced, stats.coalesced]);
  place.replaceChildren(
    h("div", { class: "figures" }, ...figures(stats)),
    h("div", { class: "charts" },
      hitRate(stats), doughnut("How it was answered", parts, percent(stats.hit_rate), "hits", whole),
      exchanges(stats), latency(stats), saved(stats),
      models(stats), questions(stats), trust(stats), latestCard()),
  );
}

const number = (stats, kind) => (stats.by_status[kind] ?? 0) - (kind === "miss" ? stats.coalesced : 0);

function figure(title, big, ...small) {
  return h("div", { class: "card figure" }, h("h2", {}, title), h("div", { class: "big" }, big), ...small.map((words) => (words instanceof Node ? words : h("div", { class: "small" }, words))));
}

function figures(stats) {
  const hit = stats.latency_ms["hit-l1-exact"] ?? stats.latency_ms["hit-l3-verified"];
  const miss = stats.latency_ms.miss;
  const entries = stats.storage.reduce((sum, row) => sum + row.entries, 0);
  const first = figure("Saved", money(stats.saved_dollars), `${short(stats.saved_tokens)} tokens`, stats.unpriced_tokens ? `${short(stats.unpriced_tokens)} of them of unknown price` : `at list prices, the newest of ${stats.prices_as_of}`);
  first.classList.add("first");
  return [
    first,
    figure("Hit rate", percent(stats.hit_rate), `${whole(stats.hits)} of ${whole(stats.exchanges)} exchanges`, stats.coalesced ? `and ${whole(stats.coalesced)} shared with a twin` : "of all that was asked"),
    figure("A hit takes", took(hit?.p50), `in the median; a miss ${took(miss?.p50)}`, hit && miss ? `${short(miss.p50 / hit.p50)} times as fast` : "no two to compare yet"),
    figure("Paid", money(stats.paid_dollars), `${short(stats.paid_tokens)} tokens of answers that came`, stats.provider_cached_tokens ? `the provider's own cache took ${money(stats.provider_saved_dollars)} off` : "no provider's cache took part"),
    figure("Stored", short(entries), `entries, ${size(stats.storage_bytes)} of ${size(stats.storage_limit)}`, meter(stats.storage_bytes / stats.storage_limit)),
  ];
}

function meter(share) {
  const label = `${percent(share)} of the storage is used`;
  return svg("svg", { class: "meter", viewBox: "0 0 100 4", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("rect", { class: "bypass", width: 100, height: 4, opacity: 0.25 }), svg("rect", { class: "accent", width: Math.max(0.5, 100 * Math.min(1, share)), height: 4 }));
}

// Points between two labels of an axis: hours, their halves and quarters, and days come out round.
const STRIDES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96];

// The time of a point, as short as its range allows; `marks(most)` gives the points that are labelled.
function time(stats) {
  const days = stats.step >= 86400;
  const form = days ? { day: "numeric", month: "short", timeZone: "UTC" } : stats.range === "today" ? { hour: "2-digit", minute: "2-digit" } : { weekday: "short", hour: "2-digit", minute: "2-digit" };
  const times = (index) => new Date(stats.series[index].at * 1000).toLocaleString("en-GB", form).replace(",", "");
  const local = (point) => point.at - (days ? 0 : new Date(point.at * 1000).getTimezoneOffset() * 60);
  times.marks = (most) => {
    const count = stats.series.length;
    const stride = STRIDES.find((each) => count / each <= most) ?? Math.ceil(count / most);
    const round = stats.series.slice(0, stride).findIndex((point) => local(point) % (stride * stats.step) === 0);
    return stats.series.map((_, index) => index).filter((index) => index >= round && (index - Math.max(0, round)) % stride === 0);
  };
  return times;
}

// The same in fewer, longer steps, since shares of a handful jump about.
function gathered(stats) {
  const each = Math.ceil(stats.series.length / STEPS);
  const series = [];
  stats.series.forEach((point, index) => {
    if (index % each === 0) series.push({ at: point.at, by_status: {} });
    const sums = series.at(-1).by_status;
    for (const [kind, count] of Object.entries(point.by_status)) sums[kind] = (sums[kind] ?? 0) + count;
  });
  return { ...stats, series, step: stats.step * each };
}

const total = (point) => Object.values(point.by_status).reduce((sum, count) => sum + count, 0);

function hitRate(given) {
  const stats = gathered(given);
  const share = (point, kinds) => (total(point) ? kinds.reduce((sum, kind) => sum + (point.by_status[kind] ?? 0), 0) / total(point) : null);
  const exact = stats.series.map((point) => share(point, ["hit-l1-exact"]));
  const all = stats.series.map((point) => share(point, ["hit-l1-exact", "hit-l3-verified", "hit-l2-semantic"]));
  const times = time(stats);
  const legend = [["verified", "━", "all hits"], ["exact", "━", "exact repeats alone"]];
  return chart("Hit rate", legend, (width) => stats.exchanges ? lines(width, {
    lines: [{ kind: "verified", numbers: all, area: true }, { kind: "exact", numbers: exact, area: true }],
    most: 1, shown: percent, times,
    tip: (index) => all[index] === null ? `${times(index)}\nnothing asked` : `${times(index)}\n${percent(all[index])} hits of ${total(stats.series[index])}\n${percent(exact[index])} exact repeats`,
    label: `Hit rate over time: ${percent(stats.hit_rate)} in all`,
  }) : null, "wide");
}

function exchanges(given) {
  const stats = gathered(given);
  const times = time(stats);
  const legend = KINDS.filter((kind) => stats.by_status[kind]).map((kind) => STATUSES[kind]);
  return chart("Exchanges", legend, (width) => stats.exchanges ? columns(width, {
    stacks: stats.series.map((point) => KINDS.map((kind) => point.by_status[kind] ?? 0)),
    kinds: KINDS.map((kind) => STATUSES[kind][0]), shown: (count) => (Number.isInteger(count) ? short(count) : ""), times,
    tip: (index) => [times(index), ...KINDS.filter((kind) => stats.series[index].by_status[kind]).map((kind) => `${STATUSES[kind][1]} ${stats.series[index].by_status[kind]} ${STATUSES[kind][2]}`)].join("\n"),
    label: `Exchanges over time: ${stats.exchanges} in all`,
  }) : null);
}

function latency(stats) {
  const of = (kind, which) => stats.series.map((point) => point.latency_ms[kind]?.[which] ?? null);
  const hit = of("hit-l1-exact", "p50"), miss = of("miss", "p50"), slow = of("miss", "p99"), words = of("hit-l3-verified", "p50");
  const times = time(stats);
  const legend = [["exact", "━", "exact"], ["verified", "━", "other words"], ["miss", "━", "miss"], ["miss", "┅", "miss, slowest 1 %"]];
  return chart("Latency, median", legend, (width) => stats.exchanges ? lines(width, {
    lines: [{ kind: "miss", numbers: slow, dashed: true }, { kind: "miss", numbers: miss }, { kind: "verified", numbers: words }, { kind: "exact", numbers: hit }],
    scale: "log", shown: took, times,
    tip: (index) => [times(index), `exact ${took(hit[index])}`, `other words ${took(words[index])}`, `miss ${took(miss[index])}, slowest ${took(slow[index])}`].join("\n"),
    label: `Median latency over time: exact repeats ${took(stats.latency_ms["hit-l1-exact"]?.p50)}, misses ${took(stats.latency_ms.miss?.p50)}`,
  }) : null);
}

function saved(stats) {
  let dollars = 0, tokens = 0;
  const sums = stats.series.map((point) => [(dollars += point.saved_dollars), (tokens += point.saved_tokens)]);
  const times = time(stats);
  const priced = dollars > 0;
  return chart("Saved so far", [["accent", "━", priced ? "dollars at list prices" : "tokens"]], (width) => tokens ? lines(width, {
    lines: [{ kind: "accent", numbers: sums.map((sum) => sum[priced ? 0 : 1]), area: true }],
    shown: priced ? money : short, times,
    tip: (index) => `${times(index)}\n${money(sums[index][0])}\n${whole(sums[index][1])} tokens`,
    label: `Saved over time: ${money(dollars)} and ${whole(tokens)} tokens`,
  }) : null);
}

function table(title, heads, rows, none, sort = "") {
  const body = rows.length ? h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(([words, kind]) => h("th", { class: kind, scope: "col" }, words)))), h("tbody", {}, ...rows))) : h("div", { class: "none" }, none);
  return h("div", { class: `card ${sort}` }, h("h2", {}, title), body);
}

function models(stats) {
  const rows = stats.top_models.slice(0, 6).map((row) => h("tr", {}, h("td", { class: "name" }, h("bdi", {}, text(row.model))), h("td", { class: "number" }, whole(row.exchanges)), h("td", { class: "number" }, percent(row.exchanges ? row.hits / row.exchanges : null)), h("td", { class: "number" }, money(row.saved_dollars))));
  return table("Models", [["model"], ["asked", "number"], ["hits", "number"], ["saved", "number"]], rows, "No model was asked yet.");
}

function questions(stats) {
  const rows = stats.top_questions.slice(0, 6).map((row) => h("tr", {}, h("td", { class: "words" }, h("span", {}, h("bdi", {}, text(row.question) || "(no words)"))), h("td", { class: "number" }, whole(row.hits))));
  return table("Asked most, ever", [["question"], ["hits", "number"]], rows, "Nothing was asked twice yet.", "asked");
}

function latestCard() {
  return h("div", { class: "card whole" }, h("h2", {}, "Latest"), h("div", { class: "scroll" }, h("table", { class: "cards" }, latest)), latest.children.length ? null : h("p", { class: "quiet" }, "What is asked from now on appears here as it happens."));
}

function line(row) {
  return h("tr", { class: "fresh" }, h("td", {}, clock(row.at)), h("td", {}, status(row)), h("td", { class: "number" }, took(row.ms)), h("td", { class: "name" }, h("bdi", {}, text(row.model))), h("td", { class: "words" }, h("span", {}, h("bdi", {}, text(row.question)))));
}

function trust(stats) {
  const compared = Object.values(stats.audits).reduce((sum, count) => sum + count, 0);
  const models = stats.models;
  const about = models.status === "ok" || models.status === "shadow" ? `${text(models.backend)} on ${text(models.device)}: ${text(models.verifier)}, ${text(models.dtype)}` : `models: ${text(models.status)}${models.reason ? `, ${text(models.reason)}` : ""}`;
  return h("div", { class: "card" }, h("h2", {}, "Trust"),
    h("dl", { class: "facts" }, h("dt", {}, "Called wrong"), h("dd", {}, whole(stats.false_hits)),
      h("dt", {}, "Audited"), h("dd", {}, compared ? `${whole(compared)}: ${whole(stats.audits.same)} the same, ${whole(stats.audits.different)} differed, ${whole(stats.audits.unsure)} unsure` : "none yet"),
      h("dt", {}, "Errors"), h("dd", {}, whole(stats.errors)), h("dt", {}, "Judged by"), h("dd", {}, about)));
}

function firstSteps() {
  const url = location.origin;
  return h("div", { class: "card first-steps" }, h("h2", {}, "Nothing was asked yet"), h("p", {}, "Point an agent at Reflex and leave the rest of it alone:"),
    h("pre", {}, h("code", {}, `export OPENAI_BASE_URL=${url}/v1\nexport ANTHROPIC_BASE_URL=${url}`)), h("p", { class: "quiet" }, "Ask something twice: the second answer comes from here. ", h("code", {}, "reflexd demo"), " shows it at no cost."));
}
