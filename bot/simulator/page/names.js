// What ids are called, and how times read.

import { COLOURS } from "./dom.js";

export class Names {
  constructor(state, seat) {
    this.people = new Map(state.people.map((person) => [person.id, person]));
    const app = this.people.get(state.app.bot_user_id);
    state.people.forEach((person, at) => { person.colour = COLOURS[at % COLOURS.length]; });
    if (app) app.colour = state.app.color;
    this.groups = new Map(state.groups.map((group) => [group.id, group]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    this.seat = state.people.find((person) => person.name === seat || person.id === seat);
    this.app = app;
    this.state = state;
  }

  person(id) {
    return this.people.get(id) ?? { id, name: id, real_name: id };
  }

  isMine(groupId) {
    return this.groups.get(groupId)?.users.includes(this.seat.id) ?? false;
  }
}

const LOCALE = "en-US";
const at = (seconds) => new Date(Number(seconds) * 1000);

export function clock(seconds) {
  return at(seconds).toLocaleTimeString(LOCALE, { hour: "numeric", minute: "2-digit" });
}

export function day(seconds) {
  return relative(seconds) ?? at(seconds).toLocaleDateString(LOCALE, { weekday: "long", month: "long", day: "numeric" });
}

export function full(seconds) {
  return at(seconds).toLocaleString(LOCALE, { dateStyle: "full", timeStyle: "medium" });
}

function relative(seconds) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((midnight(at(seconds)) - midnight(new Date())) / 86_400_000);
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[days];
}

function ago(seconds) {
  const left = Number(seconds) - Date.now() / 1000;
  const steps = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, length] = steps.find(([, length]) => Math.abs(left) >= length) ?? steps[3];
  return new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" }).format(Math.round(left / length), unit);
}

// Slack: "Formatting text", dates.
export function slackDate(seconds, form, leading) {
  const show = (options) => at(seconds).toLocaleDateString(LOCALE, options);
  const long = { year: "numeric", month: "long", day: "numeric" };
  const short = { ...long, month: "short" };
  const pretty = (text) => relative(seconds)?.toLowerCase() ?? text;
  const words = {
    date_num: () => at(seconds).toLocaleDateString("sv-SE"),
    date_slash: () => show({ year: "numeric", month: "2-digit", day: "2-digit" }),
    date: () => show(long),
    date_short: () => show(short),
    date_long: () => show({ ...long, weekday: "long" }),
    date_pretty: () => pretty(show(long)),
    date_short_pretty: () => pretty(show(short)),
    date_long_pretty: () => pretty(show({ ...long, weekday: "long" })),
    time: () => clock(seconds),
    time_secs: () => at(seconds).toLocaleTimeString(LOCALE),
    ago: () => ago(seconds),
  };
  const text = form.replace(/\{(\w+)\}/g, (whole, name) => words[name]?.() ?? whole);
  return leading ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
