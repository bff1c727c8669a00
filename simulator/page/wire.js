// The traffic as a table: the app's calls, the envelopes sent to it, each answer and how long it took.

import { traffic } from "./api.js";
import { h, icon } from "./dom.js";
import { coloured } from "./json.js";
import { Names } from "./names.js";

const KINDS = [["call", "Calls"], ["interactive", "Clicks"], ["slash_commands", "Commands"], ["events_api", "Events"]];
const MOST = 400;

export class Wire {
  constructor() {
    this.entries = new Map();
    this.off = new Set();
    this.words = "";
    this.selected = null;
    this.after = 0;
    this.body = h("tbody", { on: { keydown: (event) => this.key(event) } });
    this.detail = h("pre", { class: "json", tabindex: "0", "aria-label": "In full", hidden: true });
    const heads = [["when", "Time"], ["way", "From"], ["what", "What"], ["", "About"], ["how", "Answer"], ["took", "After"]];
    this.table = h("div", { class: "wire" }, h("table", { "aria-label": "Traffic" },
      h("thead", {}, h("tr", {}, heads.map(([kind, words]) => h("th", { class: kind, scope: "col" }, words)))), this.body));
    this.root = h("div", { class: "dock-body", role: "tabpanel" }, this.table, this.detail);
    this.tools = [
      KINDS.map(([kind, words]) => h("button", { type: "button", class: "chip", "aria-pressed": "true", on: { click: (event) => this.turn(kind, event.currentTarget) } }, words)),
      h("input", { class: "filter", type: "search", placeholder: "Filter", "aria-label": "Filter the traffic", on: { input: (event) => { this.words = event.target.value.toLowerCase(); this.draw(); } } }),
    ];
  }

  names(world) {
    this.known = new Names(world, world.default_seat);
  }

  turn(kind, chip) {
    if (!this.off.delete(kind)) this.off.add(kind);
    chip.setAttribute("aria-pressed", String(!this.off.has(kind)));
    this.draw();
  }

  // The new entries, and those that had no answer at the last look.
  async refresh() {
    const { traffic: found } = await traffic(this.after);
    for (const entry of found) this.entries.set(entry.seq, entry);
    const open = [...this.entries.values()].filter((one) => one.seq > this.after && !isAnswered(one)).map((one) => one.seq);
    this.after = Math.min(...open, this.entries.size + 1) - 1;
    this.draw();
  }

  draw() {
    if (!this.known) return;
    const shown = [...this.entries.values()].filter((one) => !this.off.has(one.type ?? "call") && this.fits(one)).slice(-MOST);
    const atEnd = this.table.scrollHeight - this.table.scrollTop - this.table.clientHeight < 40;
    const focused = this.body.contains(document.activeElement);
    this.body.replaceChildren(...(shown.length ? shown.map((one) => this.row(one)) : [h("tr", {}, h("td", { colspan: "6" }, "Nothing yet. The app's calls and the envelopes sent to it appear here."))]));
    if (atEnd) this.table.scrollTop = this.table.scrollHeight;
    if (focused) this.body.querySelector('[aria-selected="true"]')?.focus();
  }

  fits(entry) {
    return !this.words || JSON.stringify(entry).toLowerCase().includes(this.words);
  }

  row(entry) {
    const call = entry.direction === "call";
    const [tone, words] = call ? answered(entry) : acknowledged(entry);
    const took = entry.acknowledged_after ?? entry.took ?? null;
    return h("tr", { tabindex: "0", "aria-selected": String(entry.seq === this.selected), "data-seq": entry.seq, on: { click: () => this.select(entry) } },
      h("td", { class: "when" }, this.time(entry.at)),
      h("td", { class: `way ${call ? "in" : "out"}` }, icon(call ? "up" : "drop"), call ? "App" : "Slack"),
      h("td", { class: "what" }, call ? entry.method : kindOf(entry)),
      h("td", {}, call ? this.about(entry.arguments) : this.subject(entry)),
      h("td", { class: `how result ${tone}` }, words),
      h("td", { class: "took" }, took === null ? "" : `${Math.round(took * 1000)} ms`));
  }

  time(seconds) {
    const whole = this.known.show(seconds, { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });
    return `${whole}.${String(Math.floor((seconds % 1) * 1000)).padStart(3, "0")}`;
  }

  about(given) {
    const view = typeof given.view === "object" ? given.view?.title?.text : undefined;
    const channel = given.channel && (this.known.channels.get(given.channel)?.name ? `#${this.known.channels.get(given.channel).name}` : given.channel);
    const user = given.user && `@${this.known.person(given.user).name}`;
    return [channel, user, view, this.plain(given.text)].filter(Boolean).join(" · ");
  }

  // A message's text without markup, with names in place of ids.
  plain(text) {
    return text?.replace(/<@(\w+)>/g, (_, id) => `@${this.known.person(id).name}`)
      .replace(/<!date\^[^|>]*\|([^>]*)>/g, "$1").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  }

  subject({ type, payload }) {
    const user = (id) => id && `@${this.known.person(id).name}`;
    if (type === "slash_commands") return `${user(payload.user_id)} · ${payload.command} ${payload.text}`;
    if (type === "events_api") return [user(payload.event.user), this.plain(payload.event.text)].filter(Boolean).join(" · ");
    const what = payload.actions?.map((one) => one.action_id).join(", ") ?? payload.view?.title?.text ?? payload.callback_id;
    return [user(payload.user?.id), what].filter(Boolean).join(" · ");
  }

  select(entry) {
    this.selected = this.selected === entry.seq ? null : entry.seq;
    this.detail.hidden = this.selected === null;
    this.root.classList.toggle("split", this.selected !== null);
    if (this.selected !== null) this.detail.replaceChildren(...coloured(JSON.stringify(entry, null, 2)));
    for (const row of this.body.querySelectorAll("tr")) row.setAttribute("aria-selected", String(Number(row.dataset.seq) === this.selected));
  }

  key(event) {
    const row = event.target.closest("tr");
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (next) next.focus();
    else if (event.key === "Enter" || event.key === " ") row.click();
    else return;
    event.preventDefault();
  }
}

const isAnswered = (entry) => (entry.direction === "call" ? entry.status !== undefined : entry.acknowledged_after !== null);

function answered({ status, ok, error, lost }) {
  if (status === undefined) return ["wait", "…"];
  if (lost) return ["bad", "lost on the way"];
  if (status !== 200) return ["bad", `HTTP ${status}`];
  return ok ? ["good", "ok"] : ["bad", error ?? "refused"];
}

function acknowledged({ acknowledged_after: after, response }) {
  if (after === null) return ["wait", "not acknowledged"];
  if (after > 3) return ["bad", "too late"];
  return ["good", response?.response_action ? `ack, ${response.response_action}` : "ack"];
}

function kindOf({ type, payload, retry_attempt: retry }) {
  const name = { slash_commands: "command", events_api: payload.event?.type }[type] ?? payload.type ?? type;
  return retry ? `${name}, try ${retry + 1}` : name;
}
