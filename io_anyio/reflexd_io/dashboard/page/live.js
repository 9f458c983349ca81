// The live feed: what is asked, as it happens. Bursts are shown once a frame, and only so many lines are kept.

import { ask } from "./api.js";
import { clock, h, money, percent, status, text, took, whole } from "./dom.js";
import { open, tried } from "./notes.js";

const MOST = 300;

let list, empty, stop, search, kinds;
let rows = [];
let paused = false;
let waiting = 0;

export function mount(section) {
  list = h("tbody");
  empty = h("p", { class: "none" }, "Waiting for the next request …");
  stop = h("button", { type: "button", "aria-pressed": "false", onclick: pause }, "Pause the feed");
  search = h("input", { class: "grow", type: "search", placeholder: "filter: words, tenant, model", "aria-label": "Filter the feed", oninput: redraw });
  kinds = h("select", { "aria-label": "How it was answered", onchange: redraw }, ...[["", "all answers"], ["hit", "hits"], ["miss", "misses"], ["bypass", "bypasses"], ["error", "errors"]].map(([value, words]) => h("option", { value }, words)));
  const head = h("tr", {}, ...[["time"], ["status"], ["took", "number"], ["saved", "number"], ["model"], ["tenant"], ["client"], ["question", "words"]].map(([words, kind]) => h("th", { class: kind, scope: "col" }, words)));
  section.append(h("div", { class: "bar" }, h("h1", {}, "Live"), search, kinds, stop),
    h("div", { class: "card" }, h("div", { class: "scroll" }, h("table", { class: "cards" }, h("thead", {}, head), list)), empty));
}

export const focusSearch = () => search.focus();

export function pause() {
  paused = !paused;
  stop.setAttribute("aria-pressed", String(paused));
  if (!paused) redraw();
  label();
}

function label() {
  stop.textContent = paused ? `Go on${waiting ? ` (${whole(waiting)} new)` : ""}` : "Pause the feed";
}

export function told(fresh, glows = true) {
  rows = [...fresh.slice(-MOST).reverse(), ...rows].slice(0, MOST);
  if (paused) {
    waiting += fresh.length;
    label();
    return;
  }
  const lines = fresh.slice(-MOST).reverse().filter(wanted).map((row) => line(row, glows));
  list.prepend(...lines);
  while (list.children.length > MOST) list.lastChild.remove();
  empty.hidden = list.children.length > 0;
}

export function missed(count) {
  list.prepend(h("tr", {}, h("td", { colspan: 8, class: "quiet" }, `${whole(count)} exchanges went by too fast to be shown`)));
}

function redraw() {
  waiting = 0;
  list.replaceChildren(...rows.filter(wanted).map((row) => line(row, false)));
  empty.hidden = list.children.length > 0;
  empty.textContent = rows.length ? "Nothing of what came fits the filter." : "Waiting for the next request …";
}

function wanted(row) {
  const kind = kinds.value;
  if (kind === "error" ? row.http_status < 400 : kind && !(row.status.startsWith(kind) || (kind === "hit" && row.joined))) return false;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = `${row.question} ${row.tenant} ${row.model} ${row.client} ${row.status}`.toLowerCase();
  return words.every((word) => all.includes(word));
}

function line(row, fresh) {
  const saved = row.saved_tokens ? (row.saved_dollars === null ? `${whole(row.saved_tokens)} tokens` : money(row.saved_dollars)) : "";
  const failed = row.http_status >= 400 ? h("span", { class: "error" }, ` ${row.http_status}`) : null;
  return h("tr", { class: `opens${fresh ? " fresh" : ""}`, onclick: () => detail(row.id) },
    h("td", { class: "mono" }, h("button", { type: "button", class: "link", "aria-label": `Exchange at ${clock(row.at)}` }, clock(row.at))),
    h("td", {}, status(row), failed), h("td", { class: "number" }, took(row.ms)), h("td", { class: "number" }, saved),
    h("td", { class: "name" }, h("bdi", {}, text(row.model))), h("td", { class: "name" }, h("bdi", {}, text(row.tenant))), h("td", { class: "name" }, text(row.client)),
    h("td", { class: "words" }, h("span", {}, h("bdi", {}, text(row.question)))));
}

export async function detail(id) {
  const found = await tried(() => ask("GET", `/admin/exchanges/${encodeURIComponent(id)}`));
  if (!found) return;
  const { row } = found;
  const facts = [
    ["Answered", status(row)], ["Why", row.reason && text(row.reason)], ["Model", text(row.model)], ["Tenant", text(row.tenant)],
    ["Client", text(row.client)], ["Upstream", text(found.upstream)], ["Took", took(row.ms)], ["Tokens", row.input_tokens === null ? null : `${whole(row.input_tokens)} in, ${whole(row.output_tokens)} out`],
    ["Similarity", found.similarity?.toFixed(4)], ["Score", found.score === null || found.score === undefined ? null : `${found.score.toFixed(4)} (needed ${found.threshold?.toFixed(4) ?? "?"})`],
    ["Not compared", found.exact_only && text(found.exact_only)], ["Left out of the key", found.rules.length ? found.rules.map(text).join(", ") : null], ["Exchange", h("code", {}, row.id)],
  ];
  open("Exchange", h("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    tiers(found.tiers), words("Question", found.question ?? row.question), found.stored_question ? words("Stored question", found.stored_question) : null, candidates(found.candidates), row.status === "miss" && !row.joined ? await why(row.id) : null,
    h("div", { class: "actions" }, found.pairing && row.entry ? h("button", { type: "button", class: "danger", onclick: () => wrong(row) }, "This answer was wrong") : null,
      h("button", { type: "button", autofocus: true, onclick: () => document.getElementById("dialog").close() }, "Close")));
}

const words = (title, said) => (said ? h("div", {}, h("h3", {}, title), h("div", { class: "text" }, h("bdi", {}, text(said)))) : null);

function tiers(found) {
  return found.length ? h("p", { class: "quiet" }, found.map((tier) => `${tier.name} ${took(tier.ms)} ${text(tier.outcome)}`).join(" → ")) : null;
}

function candidates(found) {
  if (!found.length) return null;
  return h("div", {}, h("h3", {}, "Candidates"), h("ul", {}, ...found.map((one) => h("li", {}, `${one.accepted ? "✓" : "✗"} `, h("bdi", {}, text(one.question)), h("span", { class: "quiet" },
    ` ${[one.similarity !== null && one.similarity !== undefined ? `similarity ${percent(one.similarity)}` : "", one.guard ? `refused: ${text(one.guard)}` : "", one.words.map(text).join(", ")].filter(Boolean).join(", ")}`)))));
}

// How a miss differs from the nearest earlier request; no word where nobody can tell.
async function why(id) {
  let found;
  try {
    found = await ask("GET", `/admin/exchanges/${encodeURIComponent(id)}/diff`);
  } catch {
    return null;
  }
  const rows = found.differences.map((one) => h("li", {}, h("code", {}, text(one.path)), ` ${one.kind}: `,
    h("bdi", {}, text(one.before ?? "nothing")), " → ", h("bdi", {}, text(one.after ?? "nothing"))));
  return h("div", {}, h("h3", {}, "Why did it miss?"), h("p", {}, text(found.why)), rows.length ? h("ul", {}, ...rows) : null, found.more ? h("p", { class: "quiet" }, `and ${whole(found.more)} more differences`) : null);
}

async function wrong(row) {
  const ended = await tried(() => ask("POST", `/admin/entries/${encodeURIComponent(row.entry)}/wrong`, { exchange: row.id }));
  if (ended) open("Thank you", h("p", {}, "This pairing has ended and will not come back. ", h("code", {}, "reflexd tune"), " learns from it."), h("div", { class: "actions" }, h("button", { type: "button", onclick: () => document.getElementById("dialog").close() }, "Close")));
}
