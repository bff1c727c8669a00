// The control API of the simulator.

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? `HTTP ${response.status}`);
  return body;
}

const sent = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const state = () => ask("/sim/state");

export const panel = () => ask("/sim/panel");

export const traffic = (after) => ask(`/sim/traffic?after=${after}`);

export function look(seat, what, query = {}) {
  return ask(`/sim/seats/${encodeURIComponent(seat)}/${what}?${new URLSearchParams(query)}`);
}

export function act(seat, deed, body = {}) {
  return ask(`/sim/seats/${encodeURIComponent(seat)}/${deed}`, sent("POST", body));
}

// Changes to the simulated Slack: faults, sockets, the clock, people, channels.
export function arrange(what, body = {}, method = "POST") {
  return ask(`/sim/${what}`, sent(method, body));
}
