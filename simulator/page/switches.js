// Makes calls fail on demand, moves the clock, and changes people and channels.

import { arrange } from "./api.js";
import { h } from "./dom.js";
import { Names } from "./names.js";

const METHODS = ["*", "chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "views.update", "views.publish", "conversations.open", "conversations.replies", "users.info", "usergroups.users.list"];
const FAULTS = [
  ["Lose its answer", { kind: "lose_response" }],
  ["Lose the call", { kind: "lose_request" }],
  ["429", { kind: "status", status: 429, retry_after: 2 }],
  ["500", { kind: "status", status: 500 }],
  ["internal_error", { kind: "error", error: "internal_error" }],
  ["Take 5 s", { kind: "delay", seconds: 5 }],
];
const STANDINGS = ["member", "guest", "single-channel guest", "stranger", "deactivated"];

export class Switches {
  constructor() {
    this.method = "*";
    this.root = h("div", { class: "switches", role: "tabpanel" });
  }

  draw(world) {
    this.world = world;
    const shape = JSON.stringify([world.people, world.channels, world.faults, world.connected, Math.floor(world.now / 60)]);
    if (this.shape === shape) return;
    this.shape = shape;
    const focused = this.root.contains(document.activeElement) && document.activeElement.dataset.action;
    this.root.replaceChildren(this.calls(), this.connections(), this.people(), this.channels());
    if (focused) this.root.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
  }

  calls() {
    const choose = h("select", { "data-action": "method", on: { change: (event) => { this.method = event.target.value; } } },
      METHODS.map((one) => h("option", { value: one, selected: one === this.method }, one === "*" ? "any method" : one)));
    const planned = this.world.faults;
    return h("section", { "aria-label": "Calls" }, h("h3", {}, "The next call"),
      h("p", {}, "Make the app's next call fail. Choose how."),
      h("div", { class: "row" }, h("label", {}, "of ", choose)),
      h("div", { class: "row" }, FAULTS.map(([words, fault]) => button(words, () => arrange("faults", { method: this.method, ...fault })))),
      planned.length > 0 && h("ul", { class: "planned" }, planned.map((one) => h("li", {}, `${one.method === "*" ? "any" : one.method}: ${one.status && one.kind === "status" ? one.status : one.kind.replace("_", " ")}${one.times > 1 ? ` ×${one.times}` : ""}`))),
      planned.length > 0 && h("div", { class: "row" }, button("Remove all", () => arrange("faults", {}, "DELETE"))));
  }

  connections() {
    return h("section", { "aria-label": "Connection and time" }, h("h3", {}, "The connection"),
      h("p", {}, `${this.world.connected || "No"} connection${this.world.connected === 1 ? "" : "s"} of the app.`),
      h("div", { class: "row" },
        button("Drop it", () => arrange("sockets", { drop: true })),
        button("Ask to reconnect", () => arrange("sockets", { drop: "refresh" })),
        button("Refuse for 15 s", () => arrange("sockets", { drop: true, refuse: 15 }))),
      h("h3", {}, "The time"),
      h("p", {}, `In the simulator it is ${this.words(this.world.now)}. The demo's bot uses this clock too, so its deadlines come sooner if you skip time.`),
      h("div", { class: "row" }, [["1 minute", 60], ["1 hour", 3600], ["1 day", 86_400]].map(([words, seconds]) => button(`Skip ${words}`, () => arrange("clock", { advance: seconds })))));
  }

  words(seconds) {
    const names = new Names(this.world, this.world.default_seat);
    return `${names.day(seconds).toLowerCase()}, ${names.clock(seconds)}`;
  }

  people() {
    const people = this.world.people.filter((one) => !one.is_bot);
    return h("section", { "aria-label": "People" }, h("h3", {}, "People"),
      h("table", { class: "flags", "aria-label": "People" }, h("tbody", {}, people.map((person) => h("tr", {},
        h("th", { scope: "row" }, person.real_name),
        h("td", {}, h("select", {
          "aria-label": `${person.real_name} is`, "data-action": `standing ${person.id}`,
          on: { change: (event) => arrange(`people/${person.name}`, { standing: event.target.value }) },
        }, STANDINGS.map((one) => h("option", { value: one, selected: one === person.standing }, one)))))))));
  }

  channels() {
    return h("section", { "aria-label": "Channels" }, h("h3", {}, "Channels"),
      h("table", { class: "flags", "aria-label": "Channels" }, h("tbody", {}, this.world.channels.map((one) => h("tr", {}, h("th", { scope: "row" }, `#${one.name}`), h("td", {}, h("label", {}, h("input", {
        type: "checkbox", checked: Boolean(one.is_archived), "data-action": `archive ${one.id}`,
        on: { change: (event) => arrange(`channels/${one.id}`, { is_archived: event.target.checked }) },
      }), "Archived")))))));
  }
}

function button(words, click) {
  return h("button", { type: "button", class: "button small", "data-action": words, on: { click } }, h("span", {}, words));
}
