// The person at this seat, the workspace's name, the channels and the direct conversations.

import { avatar, h, icon } from "./dom.js";

export function sidebar(channels, current, names, { choose, search }) {
  // The open channel counts as read.
  const unread = (channel) => (channel.id === current ? 0 : channel.unread);
  const row = (channel, mark, quiet) => h("button", {
    type: "button", class: `place${unread(channel) ? " unread" : ""}${channel.is_archived ? " archived" : ""}${quiet ? " quiet" : ""}`,
    "data-action": channel.id, "aria-current": channel.id === current ? "page" : undefined,
    on: { click: () => choose(channel) },
  }, mark, h("span", { class: "place-name" }, channel.title), unread(channel) > 0 && h("span", { class: "count", "aria-label": `${channel.unread} unread` }, String(channel.unread)));
  const sign = (channel) => icon(channel.is_ext_shared ? "shared" : channel.is_private ? "lock" : "hash");
  const other = (channel) => names.person(channel.user);
  const direct = channels.filter((channel) => ["im", "mpim"].includes(channel.kind) && !channel.is_app);
  const part = (title, rows) => rows.length > 0 && h("section", { "aria-label": title }, h("h2", {}, title), rows);
  return [
    h("div", { class: "workspace" }, h("strong", {}, names.state.team.name),
      h("button", { type: "button", class: "plain", "aria-label": "Go to", title: "Go to (Ctrl+K)", "data-action": "search", on: { click: search } }, icon("search"))),
    part("Channels", channels.filter((channel) => ["channel", "group"].includes(channel.kind)).map((channel) => row(channel, sign(channel), true))),
    part("Direct messages", direct.map((channel) => row(channel, channel.kind === "im" ? avatar(other(channel), "tiny") : icon("people")))),
    part("Apps", channels.filter((channel) => channel.is_app).map((channel) => row(channel, avatar(names.app, "tiny")))),
    h("p", { class: "tip" }, "A workspace on this machine. ", h("span", { class: "keys" }, h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "K")), " opens any place in it."),
  ];
}

// Arrow keys move between the channels.
export function walkable(container, selector) {
  container.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(selector)) return;
    const rows = [...container.querySelectorAll(selector)];
    event.preventDefault();
    rows[(rows.indexOf(event.target) + step + rows.length) % rows.length].focus();
  });
}

export function seats(names, take) {
  const people = [...names.people.values()].filter((person) => !person.is_bot);
  const seat = (person) => {
    const mine = person.id === names.seat.id;
    const words = [person.real_name, kind(person)].filter(Boolean);
    return h("button", {
      type: "button", class: `seat${mine ? " mine" : ""}${person.deleted ? " gone" : ""}`, role: "radio", "aria-checked": String(mine), tabindex: mine ? "0" : "-1",
      "aria-label": words.join(", "), title: words.join(" · "), on: { click: () => take(person) },
    }, avatar(person, "tiny"), h("span", { class: "seat-name" }, person.name), kind(person) && kind(person) !== "admin" && h("span", { class: "seat-kind" }, kind(person)));
  };
  const group = h("div", { class: "seats", role: "radiogroup", "aria-label": "Whose seat" }, people.map(seat));
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = people.findIndex((person) => person.id === names.seat.id);
    take(people[(at + step + people.length) % people.length], true);
  });
  return [h("span", { class: "seat-label" }, "You are"), group];
}

export function kind(person) {
  if (person.deleted) return "deactivated";
  if (person.is_stranger) return "external";
  if (person.is_restricted || person.is_ultra_restricted) return "guest";
  return person.is_admin ? "admin" : "";
}
