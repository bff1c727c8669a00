// The control API of the simulator.

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? `HTTP ${response.status}`);
  return body;
}

export const state = () => ask("/sim/state");

export function look(seat, what, query = {}) {
  return ask(`/sim/seats/${encodeURIComponent(seat)}/${what}?${new URLSearchParams(query)}`);
}

export function act(seat, deed, body = {}) {
  return ask(`/sim/seats/${encodeURIComponent(seat)}/${deed}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export function listen(after, onChange, onOpen) {
  const source = new EventSource(`/sim/events?after=${after}`);
  source.addEventListener("message", (event) => onChange(JSON.parse(event.data)));
  source.addEventListener("open", () => onOpen(true));
  source.addEventListener("error", () => onOpen(false));
  return source;
}
