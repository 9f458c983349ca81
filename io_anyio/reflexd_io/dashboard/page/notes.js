// Toasts and dialogs: what was done, and whether it is to be done.

import { h } from "./dom.js";

const STAYS = 8000;

export function toast(words, { bad = false, undo = null, stays = STAYS } = {}) {
  const box = document.getElementById("toasts");
  const one = h("div", { class: `toast${bad ? " bad" : ""}` }, h("span", {}, words));
  const close = () => one.remove();
  if (undo) one.append(h("button", { type: "button", onclick: () => { close(); undo(); } }, "Undo"));
  else one.append(h("button", { type: "button", "aria-label": "Close", onclick: close }, "×"));
  box.append(one);
  while (box.children.length > 4) box.firstChild.remove();
  setTimeout(close, undo ? Math.max(stays, 30000) : stays);
}

// Does it, and tells what went wrong in the daemon's words.
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status !== 401) toast(error.message, { bad: true });
    return null;
  }
}

export function open(title, ...content) {
  const dialog = document.getElementById("dialog");
  dialog.replaceChildren(h("h2", { id: "dialog-title" }, title), ...content.filter(Boolean));
  if (!dialog.open) dialog.showModal();
  return dialog;
}

export const close = () => document.getElementById("dialog").close();

// Whether the person says yes.
export function confirmed(title, yes, ...content) {
  return new Promise((answer) => {
    const no = h("button", { type: "button", autofocus: true, onclick: close }, "Cancel");
    const go = h("button", { type: "button", class: "danger primary", onclick: () => { answer(true); close(); } }, yes);
    const dialog = open(title, ...content, h("div", { class: "actions" }, no, go));
    dialog.addEventListener("close", () => answer(false), { once: true });
    no.focus();
  });
}
