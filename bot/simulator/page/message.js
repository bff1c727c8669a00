// One message: who, when, what, and what hangs below it.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { avatar, h, icon } from "./dom.js";
import { clock, full } from "./names.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

const SLACKBOT = { id: "USLACKBOT", name: "slackbot", real_name: "Slackbot", colour: "#5b5f66" };

// How many errors at a message a later click, which went well, has made old news.
const dismissed = new Map();

function warning(seat, ts, errors) {
  const fresh = errors.length > (dismissed.get(`${seat} ${ts}`) ?? 0);
  return { trouble: fresh ? errors.at(-1).text : undefined, troubles: errors.length };
}

export function message(item, { seat, names, openThread, inThread = false }) {
  const author = item.slackbot ? SLACKBOT : names.person(item.user);
  const surface = {
    names,
    state: item.state?.values ?? {},
    typed: {},
    change(key, value) { this.typed[key] = value; },
    async press(action) {
      const done = await act(seat, "press", { ...action, channel: item.channel, ts: item.ts, values: inputsOnly(item, this.typed) });
      if (done.ok) dismissed.set(`${seat} ${item.ts}`, item.troubles ?? 0);
    },
  };
  surface.press = surface.press.bind(surface);
  surface.change = surface.change.bind(surface);
  const body = item.blocks ? blocks(item.blocks, surface) : h("div", { class: "text" }, mrkdwn(item.text, names));
  return h("article", {
    class: `message${item.follows ? " follows" : ""}${item.is_ephemeral ? " ephemeral" : ""}${item.marked ? " marked" : ""}`,
    "data-ts": item.ts, "aria-label": `${author.real_name}, ${clock(item.ts)}`,
  },
  item.is_ephemeral && h("div", { class: "private" }, icon("eye"), "Only visible to you"),
  h("div", { class: "gutter" }, item.follows ? h("time", { class: "small-time", title: full(item.ts) }, clock(item.ts).replace(/ [AP]M/, "")) : avatar(author)),
  h("div", { class: "content" },
    !item.follows && h("div", { class: "byline" },
      h("strong", {}, author.real_name),
      (author.is_bot || item.slackbot) && h("span", { class: "badge" }, "APP"),
      author.is_stranger && h("span", { class: "badge" }, "EXTERNAL"),
      h("time", { title: full(item.ts) }, clock(item.ts))),
    body,
    item.edited && !item.blocks && h("span", { class: "edited" }, "(edited)"),
    item.files?.map(file),
    item.attachments?.map((one) => h("div", { class: "attachment" }, one.blocks ? blocks(one.blocks, surface) : mrkdwn(one.text ?? one.fallback ?? "", names))),
    item.reactions && h("div", { class: "reactions" }, item.reactions.map((one) => h("span", { class: "reaction" }, emoji(`:${one.name}:`), ` ${one.count}`))),
    item.trouble && h("div", { class: "trouble", role: "alert" }, icon("warning"), item.trouble),
    item.reply_count && !inThread && replies(item, names, openThread)),
  !inThread && !item.is_ephemeral && h("div", { class: "hover" },
    h("button", { type: "button", class: "plain", "aria-label": "Reply in thread", title: "Reply in thread", on: { click: () => openThread(item.ts) } }, icon("reply"))));
}

function replies(item, names, openThread) {
  const count = item.reply_count === 1 ? "1 reply" : `${item.reply_count} replies`;
  return h("button", { type: "button", class: "replies", on: { click: () => openThread(item.ts) } },
    h("span", { class: "reply-faces" }, item.reply_users.slice(0, 4).map((id) => avatar(names.person(id), "tiny"))),
    h("span", { class: "reply-count" }, count),
    h("span", { class: "reply-last" }, `Last reply at ${clock(item.latest_reply)}`));
}

function file(one) {
  return h("a", { class: "file", href: one.url_private, download: one.name },
    h("strong", {}, one.title ?? one.name), h("span", {}, `${one.size} bytes`));
}

// Only what was typed into inputs goes with a click; the select itself is the click.
function inputsOnly(item, typed) {
  const inputs = new Set((item.blocks ?? []).filter((block) => block.type === "input").map((block) => block.block_id));
  return Object.fromEntries(Object.entries(typed).filter(([key]) => inputs.has(key.slice(0, key.lastIndexOf("/")))));
}

// Items of a list: messages by ts, errors of Slack at their time, and which follow on the one before.
export function items(seat, messages, notices, channelId, highlighted) {
  const here = notices.filter((one) => one.kind === "error" && one.channel === channelId);
  const troubles = (ts) => here.filter((one) => one.message_ts === ts);
  const errors = here.filter((one) => !one.message_ts).map((one) => ({
    slackbot: true, is_ephemeral: true, ts: one.at.toFixed(6), text: one.text.replaceAll("&", "&amp;").replaceAll("<", "&lt;"), user: "USLACKBOT",
  }));
  const all = [...messages, ...errors].sort((one, other) => Number(one.ts) - Number(other.ts));
  return all.map((one, at) => {
    const before = all[at - 1];
    const follows = before !== undefined && before.user === one.user && !one.is_ephemeral && !before.is_ephemeral
      && Number(one.ts) - Number(before.ts) < 300 && !before.reply_count;
    return { ...one, key: one.ts, follows, ...warning(seat, one.ts, troubles(one.ts)), marked: one.ts === highlighted };
  });
}
