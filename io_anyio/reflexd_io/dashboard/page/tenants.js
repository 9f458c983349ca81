// Tenants: who has what, who is active, and whose caching is paused.

import { ask } from "./api.js";
import { h, money, percent, size, text, whole } from "./dom.js";
import { toast, tried } from "./notes.js";

let list, heard;

export function mount(section, named) {
  heard = named;
  list = h("tbody");
  const head = h("tr", {}, ...[["tenant"], ["entries", "number"], ["size", "number"], ["hits", "number"], ["saved", "number"], ["other words"], [""]].map(([words, kind]) => h("th", { class: kind, scope: "col" }, words)));
  section.append(h("div", { class: "bar" }, h("h1", {}, "Tenants")), h("div", { class: "card" }, h("div", { class: "scroll" }, h("table", { class: "cards" }, h("thead", {}, head), list))),
    h("p", { class: "quiet" }, "Nothing stored for one tenant is ever told to another. Requests without a key belong to the active one; hits and savings count from the daemon's start."));
}

export async function refresh() {
  const found = await tried(() => ask("GET", "/admin/tenants"));
  if (!found) return;
  heard(found.items.map((row) => row.name));
  const held = [...list.querySelectorAll("button")].find((button) => button === document.activeElement)?.dataset;
  list.replaceChildren(...found.items.map(line));
  if (held) [...list.querySelectorAll("button")].find((button) => button.dataset.tenant === held.tenant && button.dataset.does === held.does)?.focus();
}

function line(row) {
  const asked = row.hits + row.misses;
  const paused = row.paused_until !== null && row.paused_until !== undefined;
  return h("tr", {}, h("td", { class: "who" }, h("b", {}, h("bdi", {}, text(row.name))), row.active ? h("span", { class: "accent" }, " ✓ active") : null, row.anonymous ? h("span", { class: "quiet" }, " a provider key's own") : null),
    h("td", { class: "number", "data-label": "entries" }, whole(row.entries)), h("td", { class: "number" }, size(row.size)), h("td", { class: "number", "data-label": "hits" }, asked ? `${whole(row.hits)} (${percent(row.hits / asked)})` : "–"), h("td", { class: "number", "data-label": "saved" }, money(row.saved_dollars ?? 0)),
    h("td", { "data-label": "other words" }, paused ? h("span", { class: "miss" }, "paused") : text(row.semantic)),
    h("td", { class: "number" }, row.active || row.anonymous ? null : h("button", { type: "button", class: "small", "data-tenant": row.name, "data-does": "use", onclick: () => use(row.name) }, "Make active"), " ",
      row.anonymous ? null : h("button", { type: "button", class: "small", "data-tenant": row.name, "data-does": "pause", onclick: () => pause(row, paused) }, paused ? "Resume" : "Pause")));
}

async function use(name) {
  const done = await tried(() => ask("PUT", "/admin/active-tenant", { tenant: name }));
  if (done) toast(`${text(name)} is the active tenant.`);
  refresh();
}

async function pause(row, paused) {
  const done = await tried(() => ask("POST", paused ? "/admin/resume" : "/admin/pause", { tenant: row.name }));
  if (done) toast(paused ? `${text(row.name)} is answered from its cache again.` : `Everything of ${text(row.name)} is passed through.`);
  refresh();
}
