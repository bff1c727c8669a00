// Holds what is shown, fetches it anew when the simulator says that something changed, and draws it.

import { act, listen, look, state } from "./api.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { append, avatar, h, icon, Keyed } from "./dom.js";
import { items, message } from "./message.js";
import { Modal } from "./modal.js";
import { day, Names } from "./names.js";
import { seats, sidebar } from "./sidebar.js";

const part = (id) => document.getElementById(id);
const modal = new Modal(part("layer"));
const now = { seat: "", channel: "", thread: "", tab: "", message: "" };
const kept = { names: null, channels: [], live: false, drawn: "" };

async function start() {
  const query = new URLSearchParams(location.search);
  const first = await state();
  now.seat = new Names(first, query.get("seat")).seat?.name ?? first.default_seat;
  for (const name of ["channel", "thread", "tab", "message"]) now[name] = query.get(name) ?? "";
  await refresh();
  listen(first.seq, (change) => { if (!["call", "envelope", "acknowledged"].includes(change.kind)) later(); },
    (live) => { kept.live = live; later(); });
  document.addEventListener("visibilitychange", later);
}

let waiting = 0;
function later() {
  if (waiting) return;
  waiting = setTimeout(() => { waiting = 0; refresh().catch(() => { kept.live = false; top(); }); }, 30);
}

async function refresh() {
  const seat = now.seat;
  const [world, channels, modalNow, notices] = await Promise.all([
    state(), look(seat, "channels"), look(seat, "modal"), look(seat, "notices"),
  ]);
  if (seat !== now.seat) return;
  kept.names = new Names(world, seat);
  kept.channels = channels;
  const channel = find(now.channel);
  now.channel = channel.id;
  const [messages, thread, home] = await Promise.all([
    look(seat, "messages", { channel: channel.id }),
    now.thread ? look(seat, "thread", { channel: channel.id, ts: now.thread }) : [],
    channel.is_app ? look(seat, "home") : { view: null },
  ]);
  if (seat !== now.seat || channel.id !== now.channel) return;
  remember(channel);
  top();
  part("sidebar").replaceChildren();
  append(part("sidebar"), sidebar(channels, channel.id, kept.names, open));
  drawMain(channel, items(seat, messages, notices, channel.id, now.message), home.view);
  drawThread(channel, items(seat, thread, notices.filter((one) => one.message_ts), channel.id, now.message));
  modal.show(modalNow, seat, kept.names);
  if (channel.unread && !kept.names.seat.deleted && document.visibilityState === "visible") act(seat, "read", { channel: channel.id });
}

function find(wanted) {
  const bare = wanted.replace(/^[#@]/, "");
  const named = kept.channels.find((one) => one.id === wanted || (bare && one.name === bare) || (one.is_app && [kept.names.app.name, "app"].includes(bare)));
  return named ?? kept.channels.find((one) => one.name === "ops") ?? kept.channels[0];
}

function remember(channel) {
  const query = new URLSearchParams({ seat: now.seat, channel: channel.is_app ? `@${kept.names.app.name}` : channel.name || channel.id });
  if (now.thread) query.set("thread", now.thread);
  if (channel.is_app && now.tab) query.set("tab", now.tab);
  history.replaceState(null, "", `/?${query}`);
  const unread = kept.channels.reduce((sum, one) => sum + one.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${channel.title} · ${kept.names.state.team.name}`;
}

function top() {
  const focused = document.activeElement?.classList.contains("seat");
  part("top").replaceChildren(...seats(kept.names, kept.names.state.connected, kept.live, take));
  if (focused) part("top").querySelector(".seat.mine")?.focus();
}

function take(person, keepFocus = false) {
  const inApp = kept.channels.find((channel) => channel.id === now.channel)?.is_app;
  Object.assign(now, { seat: person.name, channel: inApp ? "@app" : now.channel, thread: "", message: "" });
  later();
  if (!keepFocus) part("main").querySelector(".compose-text")?.focus();
}

function open(channel) {
  Object.assign(now, { channel: channel.id, thread: "", message: "", tab: channel.is_app ? now.tab : "" });
  later();
}

function openThread(ts) {
  now.thread = ts;
  refresh().then(() => part("thread").querySelector(".compose-text")?.focus());
}

let list = null;
function drawMain(channel, entries, home) {
  const main = part("main");
  const tab = channel.is_app && kept.names.state.app.home_tab ? now.tab || "messages" : "messages";
  const drawn = JSON.stringify([now.seat, channel.id, channel.title, channel.topic, channel.is_archived, channel.num_members, tab]);
  if (main.dataset.drawn !== drawn) {
    const [seat, place, , , , , shown] = main.dataset.drawn ? JSON.parse(main.dataset.drawn) : [];
    const opened = seat === now.seat && place === channel.id ? shown : null;
    main.dataset.drawn = drawn;
    const scroll = h("div", { class: "scroll", tabindex: "0", role: "log", "aria-label": `Messages in ${channel.title}` });
    main.replaceChildren(header(channel, tab), scroll);
    list = tab === "messages" ? new Keyed(scroll, build(channel, false)) : null;
    if (tab === "messages") main.append(box(channel));
    if (channel.is_app && opened !== tab && !kept.names.seat.deleted) act(now.seat, "home", { tab });
  }
  const scroll = main.querySelector(".scroll");
  if (tab === "home") return drawHome(scroll, home);
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80 || !scroll.firstChild;
  list.show(withDays(entries));
  if (!entries.length && !scroll.firstChild) scroll.append(empty(channel));
  const marked = now.message && scroll.querySelector(".marked");
  if (marked) marked.scrollIntoView({ block: "center" });
  else if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function build(channel, inThread) {
  return (entry) => entry.day
    ? h("div", { class: "day", role: "separator" }, h("span", {}, entry.day))
    : entry.rule ? h("div", { class: "thread-rule" }, h("span", {}, entry.rule))
      : message(entry, { seat: now.seat, names: kept.names, openThread, inThread });
}

function withDays(entries) {
  let last = "";
  return entries.flatMap((entry) => {
    const title = day(entry.ts);
    if (title === last) return [entry];
    last = title;
    return [{ key: `day ${title}`, day: title }, { ...entry, follows: false }];
  });
}

function header(channel, tab) {
  const sign = channel.is_app ? avatar(kept.names.app, "small") : channel.user ? avatar(kept.names.person(channel.user), "small") : icon(channel.is_ext_shared ? "shared" : channel.is_private ? "lock" : "hash");
  const tabs = channel.is_app && kept.names.state.app.home_tab && h("div", { class: "tabs", role: "tablist" }, ["home", "messages"].map((name) => h("button", {
    type: "button", role: "tab", "aria-selected": String(name === tab), on: { click: () => { now.tab = name; later(); } },
  }, name === "home" ? "Home" : "Messages")));
  return h("div", { class: "main-head" },
    h("div", { class: "title" }, sign, h("h1", {}, channel.title), channel.topic?.value && h("span", { class: "topic" }, channel.topic.value),
      channel.num_members && h("span", { class: "members", title: `${channel.num_members} members` }, icon("people"), channel.num_members)),
    tabs);
}

function box(channel) {
  if (channel.is_archived) return h("div", { class: "closed" }, "This channel is archived. Nobody can write here.");
  if (kept.names.seat.deleted) return h("div", { class: "closed" }, "This account is deactivated.");
  const app = kept.names.state.app;
  const label = channel.is_app || channel.user ? `Message ${channel.title}` : `Message #${channel.title}`;
  return composer({
    id: "composer-channel", label, names: kept.names, commands: app.commands,
    send: (text) => act(now.seat, text.startsWith("/") ? "command" : "send", { channel: channel.id, text }),
  });
}

function empty(channel) {
  return h("div", { class: "empty" }, h("h2", {}, channel.is_app ? channel.title : `# ${channel.title}`),
    h("p", {}, channel.is_app ? kept.names.state.app.description : "Nothing has been said here yet."));
}

function drawHome(scroll, view) {
  const shown = view ? JSON.stringify([now.seat, view.hash, view.blocks]) : "none";
  if (scroll.dataset.home === shown) return;
  scroll.dataset.home = shown;
  const typed = {};
  const surface = view && {
    names: kept.names, state: view.state.values, change: (key, value) => { typed[key] = value; },
    press: (action) => act(now.seat, "press", { ...action, home: true }),
  };
  scroll.replaceChildren(h("div", { class: "home" }, view ? blocks(view.blocks, surface) : h("div", { class: "empty" }, h("p", {}, "The app has not published a Home tab for you yet."))));
}

let threadList = null;
function drawThread(channel, entries) {
  const pane = part("thread");
  const visible = Boolean(now.thread && entries.length);
  document.body.classList.toggle("with-thread", visible);
  pane.hidden = !visible;
  const drawn = visible ? JSON.stringify([now.seat, channel.id, now.thread]) : "";
  if (pane.dataset.drawn !== drawn) {
    pane.dataset.drawn = drawn;
    const scroll = h("div", { class: "scroll", tabindex: "0", role: "log", "aria-label": "Thread" });
    const close = () => { now.thread = ""; later(); };
    threadList = new Keyed(scroll, build(channel, true));
    const head = h("div", { class: "main-head" }, h("div", { class: "title" }, h("h1", {}, "Thread"), h("span", { class: "topic" }, channel.is_app ? channel.title : `# ${channel.title}`),
      h("button", { type: "button", class: "plain", "aria-label": "Close thread", on: { click: close } }, icon("close"))));
    const reply = composer({
      id: "composer-thread", label: "Reply…", names: kept.names,
      send: (text) => act(now.seat, text.startsWith("/") ? "command" : "send", { channel: channel.id, text, thread_ts: now.thread }),
    });
    pane.replaceChildren(...(visible ? [head, scroll, reply] : []));
  }
  if (!visible) return;
  const scroll = pane.querySelector(".scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80 || !scroll.firstChild;
  const [parent, ...rest] = entries;
  const count = rest.length === 1 ? "1 reply" : `${rest.length} replies`;
  const shown = rest.map((entry, at) => (at === 0 ? { ...entry, follows: false } : entry));
  threadList.show(rest.length ? [parent, { key: "rule", rule: count }, ...shown] : [parent]);
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function toast(words) {
  const shown = h("div", { class: "toast", role: "alert" }, words);
  part("layer").append(shown);
  setTimeout(() => shown.remove(), 6000);
}

window.addEventListener("unhandledrejection", (event) => toast(event.reason?.message ?? "Something went wrong."));

start().catch((problem) => { part("main").textContent = `The simulator does not answer: ${problem.message}`; });
