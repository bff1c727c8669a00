// The names for ids, and times in the zone of the person at this seat.

import { COLOURS } from "./dom.js";

const LOCALE = "en-US";

export class Names {
  constructor(state, seat) {
    this.people = new Map(state.people.map((person) => [person.id, person]));
    this.app = this.people.get(state.app.bot_user_id);
    state.people.forEach((person, at) => { person.colour = COLOURS[at % COLOURS.length]; });
    if (this.app) this.app.colour = state.app.color;
    this.groups = new Map(state.groups.map((group) => [group.id, group]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    this.seat = state.people.find((person) => person.name === seat || person.id === seat);
    this.state = state;
    this.skew = state.now - Date.now() / 1000;
    // A person without a zone sees the times of this machine.
    this.zone = this.seat && this.seat.tz !== "Etc/UTC" ? this.seat.tz : undefined;
  }

  person(id) {
    return this.people.get(id) ?? { id, name: id, real_name: id };
  }

  isMine(groupId) {
    return this.groups.get(groupId)?.users.includes(this.seat.id) ?? false;
  }

  now() {
    return Date.now() / 1000 + this.skew;
  }

  clock(seconds) {
    return this.show(seconds, { hour: "numeric", minute: "2-digit" });
  }

  full(seconds) {
    return this.show(seconds, { dateStyle: "full", timeStyle: "medium" });
  }

  day(seconds) {
    return this.relative(seconds) ?? this.show(seconds, { weekday: "long", month: "long", day: "numeric" });
  }

  // 2026-11-25 14:03, as date inputs need it.
  plain(seconds) {
    return new Date(Number(seconds) * 1000).toLocaleString("sv-SE", { timeZone: this.zone, dateStyle: "short", timeStyle: "short" });
  }

  // The moment at which a clock in this zone shows this time.
  moment(plain) {
    const wanted = Date.parse(`${plain.replace(" ", "T")}Z`) / 1000;
    const ahead = (seconds) => Date.parse(`${this.plain(seconds).replace(" ", "T")}Z`) / 1000 - seconds;
    return wanted - ahead(wanted - ahead(wanted));
  }

  ago(seconds) {
    const exact = Number(seconds) - this.now();
    const left = Math.abs(exact) < 90 ? exact : Math.round(exact / 60) * 60;
    const steps = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const [unit, length] = steps.find(([, length]) => Math.abs(left) >= length) ?? steps[3];
    return new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" }).format(Math.round(left / length), unit);
  }

  // Slack: "Formatting text", dates.
  date(seconds, form, leading) {
    const long = { year: "numeric", month: "long", day: "numeric" };
    const short = { ...long, month: "short" };
    const pretty = (options) => this.relative(seconds)?.toLowerCase() ?? this.show(seconds, options);
    const words = {
      date_num: () => this.plain(seconds).slice(0, 10),
      date_slash: () => this.show(seconds, { year: "numeric", month: "2-digit", day: "2-digit" }),
      date: () => this.show(seconds, long),
      date_short: () => this.show(seconds, short),
      date_long: () => this.show(seconds, { ...long, weekday: "long" }),
      date_long_full: () => this.show(seconds, { ...long, weekday: "long" }),
      date_pretty: () => pretty(long),
      date_short_pretty: () => pretty(short),
      date_long_pretty: () => pretty({ ...long, weekday: "long" }),
      day_divider_pretty: () => pretty({ ...long, weekday: "long" }),
      time: () => this.clock(seconds),
      time_secs: () => this.show(seconds, { timeStyle: "medium" }),
      ago: () => this.ago(seconds),
    };
    const text = form.replace(/\{(\w+)\}/g, (whole, name) => words[name]?.() ?? whole);
    return leading ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  }

  relative(seconds) {
    const midnight = (moment) => Date.parse(this.plain(moment).slice(0, 10)) / 86_400_000;
    return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[midnight(seconds) - midnight(this.now())];
  }

  show(seconds, options) {
    return new Date(Number(seconds) * 1000).toLocaleString(LOCALE, { timeZone: this.zone, ...options });
  }
}
