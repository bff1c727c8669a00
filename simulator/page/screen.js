// One seat's screen: holds what is shown, fetches it again after each change in the simulator, and draws it.

import { act, look, state } from "./api.js";
import { toast } from "./dialog.js";
import { append } from "./dom.js";
import { HomeTab } from "./home.js";
import { firstUnread, items, withDays } from "./items.js";
import { Modal } from "./modal.js";
import { Names } from "./names.js";
import { ChannelPane, ThreadPane } from "./panes.js";
import { seats, sidebar, walkable } from "./sidebar.js";
import { openSwitcher } from "./switcher.js";

const part = (id) => document.getElementById(id);
const QUIET = ["call", "envelope", "acknowledged", "feed", "panel"];

export class Screen {
  constructor(feed) {
    this.feed = feed;
    this.now = { seat: "", channel: "", thread: "", tab: "", message: "" };
    this.channels = [];
    this.drafts = new Map();
    this.dismissed = new Map();
    this.hidden = new Set();
    this.fresh = { place: "", from: null };
    this.waiting = 0;
    this.current = null;
    this.next = null;
    this.modal = new Modal();
    this.main = new ChannelPane(part("main"), this);
    this.pane = new ThreadPane(part("thread"), this);
    this.home = new HomeTab(this);
  }

  async start(query) {
    const first = await state();
    this.now.seat = new Names(first, query.get("seat")).seat?.name ?? first.default_seat;
    for (const name of ["channel", "thread", "tab", "message"]) this.now[name] = query.get(name) ?? "";
    walkable(part("sidebar"), ".place");
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => this.followed(event));
    document.addEventListener("visibilitychange", () => this.later());
    this.feed.on((change) => { if (!QUIET.includes(change.kind) || change.live) this.later(); });
    await this.refresh();
    this.feed.start(first.seq);
    setInterval(() => this.count(), 15_000);
  }

  later() {
    if (this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = 0;
      this.refresh().catch(() => this.feed.turn(false));
    }, 25);
  }

  // Fetches one at a time, and once more if something changed meanwhile. So no older state is drawn over a newer one.
  refresh() {
    this.next ??= (this.current ?? Promise.resolve()).catch(() => {}).then(() => {
      this.next = null;
      this.current = this.look();
      return this.current;
    });
    return this.next;
  }

  async look() {
    const { seat } = this.now;
    const [world, channels, modal, notices] = await Promise.all([
      state(), look(seat, "channels"), look(seat, "modal"), look(seat, "notices"),
    ]);
    if (seat !== this.now.seat) return;
    this.feed.caughtUp(world.seq);
    this.names = new Names(world, seat);
    this.channels = channels;
    const channel = this.find(this.now.channel);
    this.now.channel = channel.id;
    const [messages, thread, home] = await Promise.all([
      look(seat, "messages", { channel: channel.id }),
      this.now.thread ? look(seat, "thread", { channel: channel.id, ts: this.now.thread }) : [],
      channel.is_app ? look(seat, "home") : { view: null },
    ]);
    if (seat !== this.now.seat || channel.id !== this.now.channel) return;
    this.draw(channel, { messages, thread, home: home.view, notices });
    this.modal.show(modal, seat, this.names);
    if (channel.unread && !this.names.seat.deleted && document.visibilityState === "visible") act(seat, "read", { channel: channel.id });
  }

  draw(channel, { messages, thread, home, notices }) {
    const place = `${this.now.seat} ${channel.id}`;
    if (this.fresh.place !== place) this.fresh = { place, from: firstUnread(messages, channel.unread, this.names.seat.id) };
    const common = { seat: this.now.seat, channel: channel.id, marked: this.now.message, dismissed: this.dismissed, hidden: this.hidden, names: this.names };
    const entries = items({ ...common, messages, notices, freshFrom: this.fresh.from, thread: this.now.thread });
    const replies = items({ ...common, messages: thread, notices: notices.filter((one) => one.message_ts) });
    this.remember(channel);
    this.drawAround(channel);
    this.main.draw(channel, withDays(entries, this.names, this.fresh.from), home);
    this.pane.draw(channel, replies);
  }

  drawAround(channel) {
    const focused = document.activeElement;
    const place = part("sidebar").contains(focused) && focused.dataset.action;
    const seated = focused?.classList.contains("seat");
    part("sidebar").replaceChildren();
    append(part("sidebar"), sidebar(this.channels, channel.id, this.names, { choose: (one) => this.open(one), search: () => this.search() }));
    part("seats").replaceChildren(...seats(this.names, (person, keep) => this.take(person, keep)));
    if (place) part("sidebar").querySelector(`[data-action="${CSS.escape(place)}"]`)?.focus();
    if (seated) part("seats").querySelector(".mine")?.focus();
  }

  find(wanted) {
    const bare = wanted.replace(/^[#@]/, "");
    const fits = (one) => one.id === wanted || (bare && one.name === bare)
      || (one.is_app && [this.names.app.name, "app"].includes(bare))
      || (wanted.startsWith("@") && one.user && this.names.person(one.user).name === bare);
    return this.channels.find(fits) ?? this.channels.find((one) => one.name === this.names.state.hint?.channel)
      ?? this.channels.find((one) => one.name === "ops") ?? this.channels[0];
  }

  // The address contains what is shown, so that a reload or a colleague sees the same.
  remember(channel) {
    const query = new URLSearchParams(location.search);
    query.set("seat", this.now.seat);
    query.set("channel", channel.is_app ? `@${this.names.app.name}` : channel.name || channel.id);
    for (const [name, value] of [["thread", this.now.thread], ["tab", channel.is_app && this.now.tab], ["message", ""]]) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    history.replaceState(null, "", `/?${query}`);
    const unread = this.channels.reduce((sum, one) => sum + one.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ""}${channel.title} · ${this.names.state.team.name}`;
  }

  take(person, keepFocus = false) {
    const inApp = this.channels.find((one) => one.id === this.now.channel)?.is_app;
    const { thread } = this.now;
    Object.assign(this.now, { seat: person.name, channel: inApp ? "@app" : this.now.channel, thread: inApp ? "" : thread, message: "" });
    this.later();
    if (!keepFocus) part("main").querySelector(".compose-text")?.focus();
  }

  open(channel, { thread = "", message = "", tab } = {}) {
    Object.assign(this.now, { channel: channel.id, thread, message, tab: tab ?? (channel.is_app ? this.now.tab : "") });
    document.body.classList.remove("with-drawer");
    this.later();
  }

  async openThread(ts) {
    this.now.thread = ts;
    await this.refresh();
    part("thread").querySelector(".compose-text")?.focus();
  }

  closeThread() {
    const { thread } = this.now;
    this.now.thread = "";
    this.later();
    const from = part("main").querySelector(`[data-ts="${CSS.escape(thread)}"]`);
    (from?.querySelector(".replies") ?? from ?? part("main").querySelector(".compose-text"))?.focus();
  }

  // --- what a message asks of its screen ---

  async press(item, action) {
    const { seat } = this.now;
    const done = await act(seat, "press", { ...action, channel: item.channel, ts: item.ts });
    if (done.ok) this.dismissed.set(`${seat} ${item.ts}`, item.troubles ?? 0);
  }

  suggest(item, question) {
    return act(this.now.seat, "suggest", { ...question, channel: item.channel, ts: item.ts });
  }

  react(item, name) {
    return act(this.now.seat, "react", { channel: item.channel, ts: item.ts, name });
  }

  async edit(item) {
    const shown = document.querySelector(`[data-ts="${CSS.escape(item.ts)}"] .content > .text`)?.innerText ?? item.text;
    const text = prompt("Edit message", shown);
    if (text !== null && text.trim() && text !== shown) await act(this.now.seat, "edit", { channel: item.channel, ts: item.ts, text });
  }

  remove(item) {
    return act(this.now.seat, "delete", { channel: item.channel, ts: item.ts });
  }

  hide(item) {
    this.hidden.add(item.ts);
    this.later();
  }

  async copy(item) {
    const link = `${location.origin}/?channel=${item.channel ?? this.now.channel}&thread=${item.thread_ts ?? item.ts}&message=${item.ts}`;
    try {
      await navigator.clipboard.writeText(link);
      toast("The link was copied.");
    } catch {
      toast(link);
    }
  }

  shortcuts(kind) {
    return this.names.state.app.shortcuts.filter((one) => one.type === kind)
      .map((one) => ({ ...one, app: this.names.app.real_name }));
  }

  async shortcut(one, item) {
    const where = item ? { channel: item.channel, ts: item.ts } : {};
    const done = await act(this.now.seat, "shortcut", { callback_id: one.callback_id, ...where });
    if (done.ok === false && done.notice) toast(done.notice.text);
  }

  say(channel, text, thread) {
    return act(this.now.seat, text.startsWith("/") ? "command" : "send", { channel: channel.id, text, ...(thread && { thread_ts: thread }) });
  }

  // --- navigation ---

  search() {
    openSwitcher(this.names, this.channels, {
      place: (channel) => this.open(channel),
      direct: (person) => this.direct(person),
      seat: (person) => this.take(person),
    });
  }

  async direct(person) {
    await look(this.now.seat, "messages", { channel: `@${person.name}` });
    Object.assign(this.now, { channel: `@${person.name}`, thread: "", message: "" });
    this.later();
  }

  key(event) {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) this.search();
    } else if (event.key === "F6") {
      const stops = ["#seats .mine", "#sidebar [aria-current]", "#main .compose-text", "#thread .compose-text"].map((one) => document.querySelector(one)).filter((one) => one?.checkVisibility());
      const at = stops.findIndex((one) => one.closest("#seats, #sidebar, #main, #thread").contains(document.activeElement));
      event.preventDefault();
      stops[(at + (event.shiftKey ? stops.length - 1 : 1)) % stops.length].focus();
    } else if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) {
      if (document.body.classList.contains("with-drawer")) document.body.classList.remove("with-drawer");
      else if (this.now.thread) this.closeThread();
    }
  }

  // A link into this workspace opens on this page.
  followed(event) {
    if (document.body.classList.contains("with-drawer") && !event.target.closest("#sidebar, .drawer-opener")) document.body.classList.remove("with-drawer");
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.button) return;
    const url = new URL(link.href);
    const archived = url.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
    if (url.origin !== location.origin || (url.pathname !== "/" && !archived) || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    const wanted = archived?.[1] ?? url.searchParams.get("channel");
    const thread = url.searchParams.get(archived ? "thread_ts" : "thread") ?? "";
    const message = archived ? `${archived[2]}.${archived[3]}` : url.searchParams.get("message") ?? "";
    const channel = this.channels.find((one) => one.id === wanted || one.name === wanted);
    if (channel) this.open(channel, { thread, message });
    else toast("You are not in that channel.");
  }

  count() {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      time.textContent = this.names.date(time.dataset.ago, time.dataset.form, false);
    }
  }
}
