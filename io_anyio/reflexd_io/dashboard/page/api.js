// Asking the daemon: the token in a header, errors in the daemon's own words, events as a stream that comes back.

const KEPT = "reflex.token";
const WAITS = [1, 2, 5, 10];

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const signedIn = () => Boolean(sessionStorage.getItem(KEPT));
export const keep = (token) => sessionStorage.setItem(KEPT, token);
export const forget = () => sessionStorage.removeItem(KEPT);

export async function exchange(code) {
  const answer = await fetch("/dashboard/session", { method: "POST", body: JSON.stringify({ code }) });
  const told = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, told.error.message);
  keep(told.token);
}

const headers = () => ({ Authorization: `Bearer ${sessionStorage.getItem(KEPT) ?? ""}` });

export async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? headers() : { ...headers(), "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "The daemon does not answer.");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

async function refusal(answer) {
  let message = `The daemon answered ${answer.status}.`;
  try {
    message = (await answer.json()).error.message;
  } catch { /* no words came with it */ }
  if (answer.status === 401) document.dispatchEvent(new CustomEvent("signed-out", { detail: message }));
  return new Refused(answer.status, message);
}

export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// Tells each event, and whether the stream runs. It goes on behind the last event that came.
export async function listen(told, running) {
  let last = null;
  for (let failures = 0; ; ) {
    try {
      const resumed = last === null ? {} : { "Last-Event-ID": last };
      const answer = await fetch("/admin/events", { headers: { ...headers(), ...resumed } });
      if (!answer.ok) throw await refusal(answer);
      running(true);
      failures = 0;
      for await (const event of events(answer.body)) {
        last = event.id ?? last;
        told(event.data);
      }
    } catch (error) {
      if (error.status === 401) return;
    }
    running(false);
    await new Promise((done) => setTimeout(done, 1000 * WAITS[Math.min(failures++, WAITS.length - 1)]));
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (waiting + value).split("\n\n");
    waiting = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split("\n").filter((line) => line && !line.startsWith(":")).map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
      );
      if (fields.data) yield { id: fields.id, data: JSON.parse(fields.data) };
    }
  }
}
