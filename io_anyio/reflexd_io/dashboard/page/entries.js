// What is stored: searched, sorted, opened, purged after a look at what goes, and taken back.

import { ask, query } from "./api.js";
import { h, moment, short, size, text, whole } from "./dom.js";
import { confirmed, open, toast, tried } from "./notes.js";

const SORTS = [["created", "newest first"], ["used", "used last"], ["hits", "most hits"], ["size", "largest"]];
const PAGE = 50;

let list, none, more, search, owner, sort, remove, said;
let chosen = new Set();
let cursor = null;
let turn = 0;
let later;

export function mount(section) {
  list = h("tbody");
  none = h("p", { class: "none", hidden: true });
  said = h("span", { class: "quiet", role: "status" });
  more = h("button", { type: "button", class: "more", hidden: true, onclick: () => load(false) }, "Show more");
  search = h("input", { class: "grow", type: "search", placeholder: 'words, "a phrase", -without, begin*', "aria-label": "Search questions and answers", oninput: () => { clearTimeout(later); later = setTimeout(refresh, 250); } });
  owner = h("select", { "aria-label": "Tenant", onchange: refresh }, h("option", { value: "" }, "all tenants"));
  sort = h("select", { "aria-label": "Order", onchange: refresh }, ...SORTS.map(([value, words]) => h("option", { value }, words)));
  remove = h("button", { type: "button", class: "danger", onclick: purge }, "Purge …");
  const trash = h("button", { type: "button", onclick: showTrash }, "Trash");
  const all = h("input", { type: "checkbox", "aria-label": "Choose all shown", onchange: () => {
    for (const box of list.querySelectorAll("input[type=checkbox]")) if (box.checked !== all.checked) box.click();
  } });
  const head = h("tr", {}, h("th", {}, all), ...[["question", "words"], ["model"], ["tenant"], ["hits", "number"], ["size", "number"], ["stored", "number"]].map(([words, kind]) => h("th", { class: kind, scope: "col" }, words)));
  section.append(h("div", { class: "bar" }, h("h1", {}, "Entries "), search, owner, sort, remove, trash), h("p", {}, said),
    h("div", { class: "card" }, h("div", { class: "scroll" }, h("table", { class: "cards" }, h("thead", {}, head), list)), none, more));
}

export const focusSearch = () => search.focus();

export function refresh() {
  chosen = new Set();
  mark();
  return load(true);
}

export function tenants(names) {
  const kept = owner.value;
  owner.replaceChildren(h("option", { value: "" }, "all tenants"), ...names.map((name) => h("option", { value: name }, text(name))));
  owner.value = names.includes(kept) ? kept : "";
}

async function load(anew) {
  const mine = ++turn;
  const asked = { text: search.value.trim(), tenant: owner.value, sort: sort.value, limit: PAGE, cursor: anew ? null : cursor };
  let page;
  try {
    page = await ask("GET", query("/admin/entries", asked));
  } catch (error) {
    if (mine === turn) said.textContent = error.status === 401 ? "" : error.message;
    return;
  }
  if (mine !== turn) return;
  if (anew) list.replaceChildren();
  list.append(...page.items.map(line));
  cursor = page.next ?? null;
  more.hidden = cursor === null;
  none.hidden = list.children.length > 0;
  none.textContent = search.value || owner.value ? "Nothing stored fits this search." : "Nothing is stored yet.";
  said.textContent = page.total !== null && page.total !== undefined ? `${whole(page.total)} ${page.total === 1 ? "entry" : "entries"}` : page.at_least ? `more than ${whole(page.at_least)} entries` : "";
}

function line(row) {
  const box = h("input", { type: "checkbox", "aria-label": `Choose: ${text(row.question).slice(0, 60) || row.id}`, onclick: (event) => {
    event.stopPropagation();
    if (box.checked) chosen.add(row.id);
    else chosen.delete(row.id);
    mark();
  } });
  return h("tr", { class: "opens", onclick: () => detail(row.id) }, h("td", {}, box),
    h("td", { class: "words" }, h("span", {}, h("button", { type: "button", class: "link" }, h("bdi", {}, text(row.question) || "(no words)")))),
    h("td", { class: "name" }, h("bdi", {}, text(row.model))), h("td", { class: "name" }, h("bdi", {}, text(row.tenant))),
    h("td", { class: "number", "data-label": "hits" }, short(row.hits)), h("td", { class: "number" }, size(row.size)), h("td", { class: "number", "data-label": "stored" }, `${row.pinned ? "pinned, " : ""}${moment(row.created)}`));
}

function mark() {
  remove.textContent = chosen.size ? `Purge ${chosen.size} chosen …` : search.value || owner.value ? "Purge what is found …" : "Purge all …";
}

function wanted() {
  if (chosen.size) return { ids: [...chosen] };
  const filter = Object.fromEntries([["text", search.value.trim()], ["tenant", owner.value]].filter(([, value]) => value));
  return Object.keys(filter).length ? { filter } : { everything: true };
}

async function purge() {
  const what = wanted();
  const counted = await tried(() => ask("POST", "/admin/purge", { ...what, dry_run: true }));
  if (!counted) return;
  if (!counted.count) {
    toast("There is nothing to purge.");
    return;
  }
  const whose = Object.entries(counted.tenants).map(([name, count]) => `${text(name)}: ${whole(count)}`).join(", ");
  const examples = h("ul", {}, ...counted.examples.map((row) => h("li", {}, h("bdi", {}, text(row.question) || row.id))));
  const yes = await confirmed(`Purge ${whole(counted.count)} ${counted.count === 1 ? "entry" : "entries"}, ${size(counted.size)}?`, "Purge", h("p", {}, whose), counted.pinned ? h("p", { class: "error" }, `${whole(counted.pinned)} of them are pinned.`) : null, examples,
    h("p", { class: "quiet" }, "It can be undone for ten minutes."));
  if (!yes) return;
  const purged = await tried(() => ask("POST", "/admin/purge", counted.confirm ? { ...what, confirm: counted.confirm } : what));
  if (!purged) return;
  toast(`${whole(purged.count)} ${purged.count === 1 ? "entry was" : "entries were"} purged.`, purged.purge ? { undo: () => restore(purged.purge) } : {});
  refresh();
}

async function restore(name) {
  const back = await tried(() => ask("POST", `/admin/trash/${encodeURIComponent(name)}/restore`));
  if (back) toast(`${whole(back.count)} came back${back.skipped ? `, ${whole(back.skipped)} were stored anew meanwhile` : ""}.`);
  refresh();
}

async function showTrash() {
  const trash = await tried(() => ask("GET", "/admin/trash"));
  if (!trash) return;
  const rows = trash.items.map((row) => h("li", {}, `${text(row.what)}: ${whole(row.count)}, ${moment(row.at)} `, h("button", { type: "button", class: "small", onclick: () => { document.getElementById("dialog").close(); restore(row.purge); } }, "Take back")));
  open("Trash", rows.length ? h("ul", {}, ...rows) : h("p", {}, "Nothing was purged in the last ten minutes."), h("div", { class: "actions" }, h("button", { type: "button", onclick: () => document.getElementById("dialog").close() }, "Close")));
}

async function detail(id) {
  const found = await tried(() => ask("GET", `/admin/entries/${encodeURIComponent(id)}`));
  if (!found) return;
  const { row } = found;
  const facts = [["Model", text(row.model)], ["Tenant", text(row.tenant)], ["Wire", text(row.dialect)], ["Hits", whole(row.hits)], ["Stored", moment(row.created)], ["Used", moment(row.used)],
    ["Lapses", row.expires ? new Date(row.expires * 1000).toLocaleString("en-GB") : "never"], ["Tokens", row.input_tokens === null ? null : `${whole(row.input_tokens)} in, ${whole(row.output_tokens)} out`], ["Entry", h("code", {}, row.id)]];
  open("Entry", h("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("h3", {}, "Question"), h("div", { class: "text" }, h("bdi", {}, text(found.question ?? row.question) || "not kept")), h("h3", {}, "Answer"), h("div", { class: "text" }, h("bdi", {}, text(found.answer_text))),
    found.wordings.length ? h("div", {}, h("h3", {}, "Also answers"), h("ul", {}, ...found.wordings.map((one) => h("li", {}, h("bdi", {}, text(one.question)))))) : null,
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => pin(row) }, row.pinned ? "Unpin" : "Pin"), h("button", { type: "button", autofocus: true, onclick: () => document.getElementById("dialog").close() }, "Close")));
}

async function pin(row) {
  const changed = await tried(() => ask("PATCH", `/admin/entries/${encodeURIComponent(row.id)}`, { pinned: !row.pinned }));
  if (!changed) return;
  document.getElementById("dialog").close();
  toast(changed.pinned ? "Pinned: it stays until you unpin or purge it." : "No longer pinned.");
  refresh();
}
