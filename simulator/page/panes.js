// The channel in the middle and the thread beside it: each with a header, a list of messages and a message box.

import { act } from "./api.js";
import { composer } from "./composer.js";
import { avatar, h, icon, Keyed } from "./dom.js";
import { intro } from "./intro.js";
import { message } from "./message.js";

class Log {
  constructor(label, build) {
    this.scroll = h("div", { class: "scroll", tabindex: "0", role: "log", "aria-label": label, "aria-live": "polite", on: { keydown: (event) => this.key(event) } });
    this.list = new Keyed(this.scroll, build);
    this.atEnd = true;
    this.scroll.addEventListener("scroll", () => { this.atEnd = this.isAtEnd(); });
    new ResizeObserver(() => { if (this.atEnd) this.toEnd(); }).observe(this.scroll);
  }

  isAtEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 90;
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  // Keeps the newest message in view, unless the person has scrolled up.
  show(entries, marked) {
    const { atEnd } = this;
    this.list.show(entries);
    const found = marked && this.marked !== marked && this.scroll.querySelector(".marked");
    this.marked = marked;
    if (found) found.scrollIntoView({ block: "center" });
    else if (atEnd) this.toEnd();
  }

  // Arrow keys move from message to message.
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = event.target.closest(".message");
    if (!step || (event.target !== this.scroll && event.target !== from)) return;
    const all = [...this.scroll.querySelectorAll(".message")];
    const at = from ? all.indexOf(from) + step : step > 0 ? 0 : all.length - 1;
    event.preventDefault();
    all[Math.max(0, Math.min(at, all.length - 1))]?.focus();
  }
}

function entryElement(entry, screen, inThread) {
  if (entry.intro) return intro(entry.intro, screen);
  if (entry.day) return h("div", { class: "day", role: "separator" }, h("span", {}, entry.day));
  if (entry.fresh) return h("div", { class: "fresh", role: "separator", "aria-label": "New messages" }, "New");
  if (entry.rule) return h("div", { class: "thread-rule" }, h("span", {}, entry.rule));
  return message(entry, screen, { inThread });
}

export class ChannelPane {
  constructor(root, screen) {
    this.root = root;
    this.screen = screen;
    this.drawn = "";
  }

  draw(channel, entries, home) {
    const { names, now } = this.screen;
    const tab = channel.is_app && names.state.app.home_tab ? now.tab || "messages" : "messages";
    const shape = JSON.stringify([now.seat, channel.id, channel.title, channel.topic, channel.is_archived, channel.num_members, tab, names.seat.deleted, names.state.app.shortcuts]);
    if (this.drawn !== shape) this.build(channel, tab, shape);
    if (tab === "home") return this.screen.home.draw(this.scroll, home);
    const { hint } = names.state;
    return this.log.show([{ key: "intro", intro: { channel, hint: hint?.channel === channel.name ? hint : null } }, ...entries], now.message);
  }

  build(channel, tab, shape) {
    const { screen } = this;
    const { names, now } = screen;
    const visit = `${now.seat} ${channel.id}`;
    const opened = this.visit === visit ? this.tab : null;
    Object.assign(this, { drawn: shape, visit, tab });
    this.keepDraft();
    this.draft = visit;
    if (tab === "home") {
      this.scroll = h("div", { class: "scroll", tabindex: "0", role: "tabpanel", "aria-label": "Home" });
      this.root.replaceChildren(this.head(channel, tab), this.scroll);
    } else {
      this.log = new Log(`Messages in ${channel.title}`, (entry) => entryElement(entry, screen, false));
      this.root.replaceChildren(this.head(channel, tab), this.log.scroll, this.foot(channel));
      const draft = screen.drafts.get(visit);
      if (draft && this.box) this.box.fill(draft);
    }
    if (channel.is_app && opened !== tab && !names.seat.deleted) act(now.seat, "home", { tab });
  }

  keepDraft() {
    const typed = this.root.querySelector(".compose-text")?.value;
    if (this.draft && typed !== undefined) this.screen.drafts.set(this.draft, typed);
  }

  head(channel, tab) {
    const { screen } = this;
    const { names, now } = screen;
    const other = channel.is_app ? names.app : channel.user && names.person(channel.user);
    const sign = other ? avatar(other, "small") : icon(channel.is_ext_shared ? "shared" : channel.is_private ? "lock" : "hash");
    const opener = h("button", { type: "button", class: "plain drawer-opener", "aria-label": "Channels", on: { click: () => { document.body.classList.add("with-drawer"); document.querySelector("#sidebar .place")?.focus(); } } }, icon("bars"));
    const tabs = channel.is_app && names.state.app.home_tab && h("div", { class: "tabs", role: "tablist" }, ["home", "messages"].map((name) => h("button", {
      type: "button", role: "tab", "aria-selected": String(name === tab), tabindex: name === tab ? "0" : "-1", "data-action": name,
      on: {
        click: () => { now.tab = name; screen.later(); },
        keydown: (event) => {
          if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
          now.tab = name === "home" ? "messages" : "home";
          screen.refresh().then(() => this.root.querySelector('.tabs [aria-selected="true"]')?.focus());
        },
      },
    }, name === "home" ? "Home" : "Messages")));
    return h("div", { class: "main-head" },
      h("div", { class: "title" }, opener, sign, h("h1", {}, channel.title),
        channel.topic?.value && h("span", { class: "topic" }, channel.topic.value),
        h("span", { class: "end" }, channel.num_members > 0 && h("span", { class: "members", title: `${channel.num_members} members`, role: "img", "aria-label": `${channel.num_members} members` }, icon("people"), String(channel.num_members)))),
      tabs);
  }

  foot(channel) {
    const { screen } = this;
    const { names } = screen;
    this.box = null;
    if (channel.is_archived) return h("div", { class: "closed" }, "This channel is archived. Nobody can write here.");
    if (names.seat.deleted) return h("div", { class: "closed" }, "This account is deactivated.");
    if (channel.is_app && !names.state.app.messages_tab) return h("div", { class: "closed" }, `You cannot send messages to ${channel.title}.`);
    this.box = composer({
      id: "composer-channel", label: channel.is_app || channel.user ? `Message ${channel.title}` : `Message #${channel.title}`,
      names, commands: names.state.app.commands, shortcuts: () => screen.shortcuts("global"), shortcut: (one) => screen.shortcut(one),
      send: (text) => screen.say(channel, text),
    });
    return this.box;
  }
}

export class ThreadPane {
  constructor(root, screen) {
    this.root = root;
    this.screen = screen;
    this.drawn = "";
  }

  draw(channel, entries) {
    const { now } = this.screen;
    const visible = Boolean(now.thread && entries.length);
    document.body.classList.toggle("with-thread", visible);
    this.root.hidden = !visible;
    const shape = visible ? JSON.stringify([now.seat, channel.id, channel.is_archived, now.thread]) : "";
    if (this.drawn !== shape) this.build(channel, shape);
    if (!visible) return;
    const [parent, ...rest] = entries;
    const count = rest.length === 1 ? "1 reply" : `${rest.length} replies`;
    const shown = rest.map((entry, at) => (at === 0 ? { ...entry, follows: false } : entry));
    this.log.show(rest.length ? [parent, { key: "rule", rule: count }, ...shown] : [parent], now.message);
  }

  build(channel, shape) {
    const { screen } = this;
    const { names, now } = screen;
    this.drawn = shape;
    if (!shape) return this.root.replaceChildren();
    this.log = new Log("Thread", (entry) => entryElement(entry, screen, true));
    const head = h("div", { class: "main-head" }, h("div", { class: "title" }, h("h1", {}, "Thread"), h("span", { class: "topic" }, channel.is_app || channel.user ? channel.title : `# ${channel.title}`),
      h("span", { class: "end" }, h("button", { type: "button", class: "plain", "aria-label": "Close thread", title: "Close (Esc)", on: { click: () => screen.closeThread() } }, icon("close")))));
    const foot = channel.is_archived || names.seat.deleted
      ? h("div", { class: "closed" }, "Nobody can write here.")
      : composer({ id: "composer-thread", label: "Reply…", names, send: (text) => screen.say(channel, text, now.thread), onEscape: () => screen.closeThread() });
    return this.root.replaceChildren(head, this.log.scroll, foot);
  }
}
