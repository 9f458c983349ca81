// Making elements, and showing numbers. What came from elsewhere is only ever set as text. The space before a unit is
// one at which no line breaks.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return fill(element, attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Control and direction marks are shown, not obeyed.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

export function text(given) {
  return String(given ?? "").replace(UNSEEN, (char) => {
    const code = char.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code) : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

export const whole = (number) => Math.round(number).toLocaleString("en-US");

export function short(number) {
  const steps = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
  const step = steps.find(([size]) => Math.abs(number) >= size * (size === 1e3 ? 10 : 1));
  if (!step) return whole(number);
  const shown = number / step[0];
  return `${shown.toFixed(shown < 100 ? 1 : 0)}${step[1]}`;
}

export function money(dollars) {
  if (dollars === null || dollars === undefined) return "unknown";
  if (dollars === 0) return "$0";
  if (dollars < 0.01) return `$${dollars.toFixed(5).replace(/0+$/, "")}`;
  return `$${dollars.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: dollars < 1 ? 3 : 2 })}`;
}

export function took(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 10000) return `${(ms / 1000).toFixed(0)}\u00a0s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)}\u00a0s`;
  if (ms >= 10) return `${ms.toFixed(0)}\u00a0ms`;
  return `${ms.toFixed(ms < 1 ? 2 : 1)}\u00a0ms`;
}

export function size(bytes) {
  const names = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  while (bytes >= 1000 && step < names.length - 1) [bytes, step] = [bytes / 1000, step + 1];
  return `${bytes.toFixed(step && bytes < 100 ? 1 : 0)}\u00a0${names[step]}`;
}

export const percent = (share) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(share && share < 0.1 ? 1 : 0)}\u00a0%`);

export const clock = (at) => new Date(at * 1000).toLocaleTimeString("en-GB");

export function moment(at) {
  const ago = Date.now() / 1000 - at;
  if (ago < 60) return "just now";
  if (ago < 3600) return `${Math.floor(ago / 60)} min ago`;
  if (ago < 86400) return `${Math.floor(ago / 3600)} h ago`;
  return new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

// Each way of answering: its class, its mark beside the colour, and its words.
export const STATUSES = {
  "hit-l1-exact": ["exact", "●", "exact repeat"],
  "hit-l3-verified": ["verified", "◆", "other words"],
  "hit-l2-semantic": ["similar", "◇", "similar words"],
  coalesced: ["shared", "◎", "shared with a twin"],
  miss: ["miss", "▲", "miss"],
  bypass: ["bypass", "○", "bypass"],
};

export function status(row) {
  const [kind, mark, words] = STATUSES[row.joined ? "coalesced" : row.status] ?? ["bypass", "○", row.status];
  return h("span", { class: `status ${kind}`, title: row.reason ? text(row.reason) : null }, `${mark} ${words}`);
}

export function choice(label, options, chosen, choose) {
  const group = h("div", { class: "choice", role: "group", "aria-label": label });
  for (const [value, words] of options) {
    const pressed = value === chosen;
    const button = h("button", { type: "button", "aria-pressed": String(pressed), onclick: () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      choose(value);
    } }, words);
    group.append(button);
  }
  return group;
}
