// The workspace's name, the channels and direct conversations; above all, whose seat this is.

import { avatar, h, icon } from "./dom.js";

export function sidebar(channels, current, names, choose) {
  const row = (channel, mark) => h("button", {
    type: "button", class: `place${channel.unread ? " unread" : ""}`, "aria-current": channel.id === current ? "page" : undefined,
    on: { click: () => choose(channel) },
  }, mark, h("span", { class: "place-name" }, channel.title), channel.unread > 0 && h("span", { class: "count", "aria-label": `${channel.unread} unread` }, channel.unread));
  const sign = (channel) => icon(channel.is_ext_shared ? "shared" : channel.is_private ? "lock" : "hash");
  const other = (channel) => names.person(channel.user);
  const direct = channels.filter((channel) => ["im", "mpim"].includes(channel.kind) && !channel.is_app);
  const part = (title, rows) => rows.length > 0 && h("section", {}, h("h2", {}, title), rows);
  return [
    h("div", { class: "workspace" }, h("strong", {}, names.state.team.name), h("span", {}, "Simulated workspace")),
    part("Channels", channels.filter((channel) => ["channel", "group"].includes(channel.kind)).map((channel) => row(channel, sign(channel)))),
    part("Direct messages", direct.map((channel) => row(channel, channel.kind === "im" ? avatar(other(channel), "tiny") : icon("people")))),
    part("Apps", channels.filter((channel) => channel.is_app).map((channel) => row(channel, avatar(names.app, "tiny")))),
  ];
}

export function seats(names, connected, live, take) {
  const kind = (person) => person.deleted ? "deactivated" : person.is_stranger ? "external" : person.is_restricted ? "guest" : person.is_admin ? "admin" : "";
  const people = [...names.people.values()].filter((person) => !person.is_bot);
  const seat = (person) => {
    const mine = person.id === names.seat.id;
    return h("button", {
      type: "button", class: `seat${mine ? " mine" : ""}${person.deleted ? " gone" : ""}`, role: "radio", "aria-checked": String(mine),
      "aria-label": [person.real_name, kind(person)].filter(Boolean).join(", "), title: [person.real_name, kind(person)].filter(Boolean).join(" · "),
      on: { click: () => take(person) },
    }, avatar(person, "small"), h("span", { class: "seat-name" }, person.name), kind(person) && kind(person) !== "admin" && h("span", { class: "seat-kind" }, kind(person)));
  };
  const group = h("div", { class: "seats", role: "radiogroup", "aria-label": "Whose seat" }, people.map(seat));
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = people.findIndex((person) => person.id === names.seat.id);
    take(people[(at + step + people.length) % people.length], true);
  });
  const [tone, words] = !live ? ["bad", "Simulator gone"] : connected ? ["good", `${names.app.real_name} is connected`] : ["wait", `${names.app.real_name} is not connected`];
  return [
    h("span", { class: "seat-label" }, "You are"),
    group,
    h("span", { class: `status ${tone}`, role: "status" }, h("span", { class: "dot" }), words),
  ];
}
