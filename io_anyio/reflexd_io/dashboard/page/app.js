// The page as a whole: the door, the views, the state in the header, and the events that go to whom they concern.

import { ask, exchange, forget, keep, listen, signedIn } from "./api.js";
import { text } from "./dom.js";
import * as entries from "./entries.js";
import * as live from "./live.js";
import { toast, tried } from "./notes.js";
import * as overview from "./overview.js";
import * as tenants from "./tenants.js";

const VIEWS = { overview, live, entries, tenants };
const REFRESH = 10000;
const THEME = "reflex.theme";

const by = (id) => document.getElementById(id);
let state = null;
let connected = false;
let fresh = [];
let view = "overview";
let stale = false;
let started = false;

function theme(chosen) {
  document.documentElement.dataset.theme = chosen;
}

function switchTheme() {
  const chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, chosen);
  theme(chosen);
}

function door(why = "") {
  by("page").hidden = true;
  by("door").hidden = false;
  by("door-error").textContent = why;
  by("door-token").focus();
}

async function enter(event) {
  event.preventDefault();
  keep(by("door-token").value.trim());
  by("door-token").value = "";
  try {
    await ask("GET", "/admin/stats");
    start();
  } catch (error) {
    forget();
    door(error.message);
  }
}

function start() {
  by("door").hidden = true;
  by("page").hidden = false;
  show(location.hash.slice(1));
  readState();
  tenants.refresh();
  if (started) return;
  started = true;
  before();
  listen(heard, (runs) => {
    connected = runs;
    header();
    if (runs) readState();
  });
  setInterval(() => {
    if (document.hidden) return;
    if (stale && view === "overview") overview.refresh();
    stale = false;
    readState();
  }, REFRESH);
}

// What was asked before this page was opened.
async function before() {
  const page = await tried(() => ask("GET", "/admin/exchanges?limit=100"));
  if (!page) return;
  live.told(page.items.reverse(), false);
  overview.told(page.items.slice(-8));
}

function show(name) {
  view = name in VIEWS ? name : "overview";
  for (const each of Object.keys(VIEWS)) by(`view-${each}`).hidden = each !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  VIEWS[view].refresh?.();
}

function heard(event) {
  switch (event.kind) {
    case "exchange":
      if (!fresh.length) requestAnimationFrame(flush);
      fresh.push(event.exchange);
      break;
    case "dropped":
      live.missed(event.count);
      break;
    case "purged":
      if (view === "entries") entries.refresh();
      break;
    case "changed":
    case "health":
      readState();
      if (view === "tenants") tenants.refresh();
      break;
  }
}

function flush() {
  const rows = fresh;
  fresh = [];
  live.told(rows);
  overview.told(rows.slice(-8));
  if (!stale && view === "overview") setTimeout(() => view === "overview" && overview.refresh(), 1500);
  stale = true;
}

async function readState() {
  try {
    state = await ask("GET", "/admin/state");
    header();
  } catch (error) {
    if (error.status === 0) header();
  }
}

function header() {
  const pill = by("connection");
  const paused = state && !state.caching;
  const [kind, words] = !connected ? ["bad", "reconnecting …"] : paused ? ["off", "passing through"] : state?.status === "degraded" ? ["", "degraded"] : ["ok", "caching"];
  pill.className = `pill ${kind}`;
  pill.textContent = words;
  pill.title = state ? `Active tenant: ${text(state.active_tenant)}` : "";
  by("pause").textContent = paused ? "Resume" : "Pause";
  const problems = Object.entries(state?.problems ?? {}).map(([name, why]) => `${text(name)}: ${text(why)}`);
  by("notice").hidden = !problems.length;
  by("notice").textContent = problems.join(" · ");
  if (state) by("about").textContent = `Reflex ${state.version} at ${state.url}, active tenant ${text(state.active_tenant)}.`;
}

async function pause() {
  const paused = state && !state.caching;
  const told = await tried(() => ask("POST", paused ? "/admin/resume" : "/admin/pause", {}));
  if (!told) return;
  state = told;
  header();
  toast(paused ? "Answers come from the cache again." : "Everything is passed through until you resume.");
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || by("page").hidden || by("dialog").open) return;
  if (event.target.closest("input, select, textarea")) return;
  const views = { 1: "overview", 2: "live", 3: "entries", 4: "tenants" };
  if (event.key in views) location.hash = views[event.key];
  else if (event.key === "t") switchTheme();
  else if (event.key === "p" && view === "live") live.pause();
  else if (event.key === "/" && VIEWS[view].focusSearch) {
    event.preventDefault();
    VIEWS[view].focusSearch();
  }
}

async function open() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  theme(localStorage.getItem(THEME) ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => localStorage.getItem(THEME) ?? theme(dark.matches ? "dark" : "light"));
  overview.mount(by("view-overview"));
  live.mount(by("view-live"));
  entries.mount(by("view-entries"));
  tenants.mount(by("view-tenants"), entries.tenants);
  by("door-form").addEventListener("submit", enter);
  by("pause").addEventListener("click", pause);
  by("theme").addEventListener("click", switchTheme);
  by("leave").addEventListener("click", () => { forget(); location.reload(); });
  document.addEventListener("keydown", key);
  document.addEventListener("signed-out", (event) => { forget(); door(event.detail); });
  addEventListener("hashchange", () => (code() ? admit() : signedIn() && show(location.hash.slice(1))));
  await admit();
}

const given = (name) => new URLSearchParams(location.hash.slice(1)).get(name);
const code = () => given("code");

// By the code behind the address, which nobody can use again, or by the token that is still here.
async function admit() {
  const ticket = code();
  const wanted = given("exchange");
  let why = "";
  if (ticket) {
    history.replaceState(null, "", wanted ? "/dashboard#live" : "/dashboard");
    try {
      await exchange(ticket);
    } catch (error) {
      why = error.message;
    }
  }
  if (!signedIn()) return door(why);
  start();
  if (wanted) live.detail(wanted);
}

open();
