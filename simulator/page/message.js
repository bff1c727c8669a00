// One message: its author, time and content, and what is shown below it.

import { blocks } from "./blocks.js";
import { avatar, h, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { file } from "./files.js";
import { withMenu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";

const SLACKBOT = { id: "USLACKBOT", name: "slackbot", real_name: "Slackbot", colour: "#5b5f66" };

// `screen`: names, press(item, action), openThread(ts), hide(item), shortcuts(), shortcut(item, one), copy(item),
// edit(item), remove(item)
export function message(item, screen, { inThread = false } = {}) {
  const { names } = screen;
  const author = item.slackbot || item.subtype === "tombstone" ? SLACKBOT : names.person(item.user);
  const typed = {};
  const surface = {
    names,
    state: item.state?.values ?? {},
    change: (key, value) => { typed[key] = value; },
    press: (action) => screen.press(item, { ...action, values: inputsOnly(item, typed) }),
    suggest: (question) => screen.suggest(item, question),
  };
  const body = item.blocks ? blocks(item.blocks, surface) : h("div", { class: "text" }, mrkdwn(item.text, names));
  const kind = `${item.follows ? " follows" : ""}${item.is_ephemeral ? " ephemeral" : ""}${item.marked ? " marked" : ""}`;
  return h("article", {
    class: `message${kind}`, tabindex: "-1", "data-ts": item.ts, "aria-label": `${author.real_name}, ${names.clock(item.ts)}`,
    on: { keydown: (event) => { if (event.key === "Enter" && event.target === event.currentTarget && !item.is_ephemeral && !inThread) screen.openThread(item.ts); } },
  },
  item.is_ephemeral && h("div", { class: "private" }, icon("eye"), "Only visible to you", " · ",
    h("button", { type: "button", on: { click: () => screen.hide(item) } }, "Dismiss")),
  h("div", { class: "gutter" }, item.follows ? h("time", { class: "small-time", title: names.full(item.ts) }, names.clock(item.ts).replace(/\s[AP]M/, "")) : avatar(author)),
  h("div", { class: "content" },
    !item.follows && h("div", { class: "byline" },
      h("strong", {}, item.username ?? author.real_name),
      (author.is_bot || item.slackbot) && h("span", { class: "badge" }, "APP"),
      author.is_stranger && h("span", { class: "badge" }, "EXTERNAL"),
      author.is_restricted && h("span", { class: "badge" }, "GUEST"),
      h("time", { title: names.full(item.ts) }, names.clock(item.ts))),
    body,
    item.edited && !item.blocks && h("span", { class: "edited" }, " (edited)"),
    item.files?.map(file),
    item.attachments?.map((one) => h("div", { class: "attachment" }, one.blocks ? blocks(one.blocks, surface) : h("div", { class: "text" }, mrkdwn(one.text ?? one.fallback ?? "", names)))),
    item.reactions && h("div", { class: "reactions" }, item.reactions.map((one) => reaction(one, item, screen))),
    item.trouble && h("div", { class: "trouble", role: "alert" }, icon("warning"), item.trouble),
    Boolean(item.reply_count) && !inThread && replies(item, screen)),
  !item.is_ephemeral && tools(item, screen, inThread));
}

function reaction(one, item, screen) {
  const { names } = screen;
  const who = one.users.map((id) => names.person(id).real_name).join(", ");
  const mine = one.users.includes(names.seat.id);
  return h("button", {
    type: "button", class: `reaction${mine ? " mine" : ""}`, title: who, "aria-pressed": String(mine), "data-action": one.name,
    "aria-label": `${one.name.replaceAll("_", " ")}, ${one.count}: ${who}`, on: { click: () => screen.react(item, one.name) },
  }, emoji(`:${one.name}:`), String(one.count));
}

function replies(item, screen) {
  const { names } = screen;
  const count = item.reply_count === 1 ? "1 reply" : `${item.reply_count} replies`;
  return h("button", { type: "button", class: `replies${item.opened ? " open" : ""}`, "data-action": "replies", on: { click: () => screen.openThread(item.ts) } },
    h("span", { class: "reply-faces" }, item.reply_users.slice(0, 4).map((id) => avatar(names.person(id), "tiny"))),
    h("span", { class: "reply-count" }, count),
    h("span", { class: "reply-last" }, `Last reply ${when(item.latest_reply, names)}`),
    icon("go"));
}

function when(ts, names) {
  const day = names.day(ts);
  return day === "Today" ? `today at ${names.clock(ts)}` : `${day.toLowerCase()} at ${names.clock(ts)}`;
}

function tools(item, screen, inThread) {
  const more = h("button", { type: "button", class: "plain more-sign", "aria-label": "More actions", title: "More actions", "data-action": "more", tabindex: "-1" }, icon("more"));
  withMenu(more, "Actions for this message", () => {
    const shortcuts = screen.shortcuts("message");
    const mine = item.user === screen.names.seat.id;
    return [
      !inThread && { label: "Reply in thread", choose: () => screen.openThread(item.ts) },
      { label: "Copy link", choose: () => screen.copy(item) },
      mine && { rule: true },
      mine && { label: "Edit message", choose: () => screen.edit(item) },
      mine && { label: "Delete message", choose: () => screen.remove(item) },
      shortcuts.length && { rule: true },
      shortcuts.length && { title: "Shortcuts" },
      ...shortcuts.map((one) => ({ label: one.name, note: one.app, choose: () => screen.shortcut(one, item) })),
    ].filter(Boolean);
  });
  const quick = (name) => h("button", { type: "button", class: "plain", "aria-label": `React with ${name.replaceAll("_", " ")}`, title: `:${name}:`, tabindex: "-1", "data-action": `react ${name}`, on: { click: () => screen.react(item, name) } }, emoji(`:${name}:`));
  return h("div", { class: "hover" },
    quick("white_check_mark"),
    !inThread && h("button", { type: "button", class: "plain", "aria-label": "Reply in thread", title: "Reply in thread", tabindex: "-1", "data-action": "thread", on: { click: () => screen.openThread(item.ts) } }, icon("reply")),
    more);
}

// A click sends what was typed into inputs. A select sends itself, so it is left out here.
function inputsOnly(item, typed) {
  const inputs = new Set((item.blocks ?? []).filter((block) => block.type === "input").map((block) => block.block_id));
  return Object.fromEntries(Object.entries(typed).filter(([key]) => inputs.has(key.slice(0, key.lastIndexOf("/")))));
}
