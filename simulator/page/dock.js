// The inspector at the bottom: the traffic, and buttons that make calls fail.

import { h, icon } from "./dom.js";
import { Switches } from "./switches.js";
import { Wire } from "./wire.js";

export class Dock {
  constructor(root, close) {
    this.root = root;
    this.close = close;
    this.tab = "wire";
    this.waiting = 0;
  }

  open() {
    if (!this.wire) {
      this.wire = new Wire();
      this.switches = new Switches();
      this.build();
    }
    this.wire.refresh();
    this.root.querySelector('[role="tab"][aria-selected="true"]').focus();
  }

  later() {
    if (this.root.hidden || this.waiting) return;
    this.waiting = setTimeout(() => { this.waiting = 0; this.wire.refresh(); }, 120);
  }

  world(world) {
    this.known = world;
    if (!this.root.hidden) {
      this.wire.names(world);
      this.switches.draw(world);
    }
  }

  build() {
    const tab = (name, words) => h("button", {
      type: "button", role: "tab", "aria-selected": String(this.tab === name), tabindex: this.tab === name ? "0" : "-1",
      on: {
        click: () => this.turn(name),
        keydown: (event) => { if (["ArrowLeft", "ArrowRight"].includes(event.key)) this.turn(name === "wire" ? "switches" : "wire"); },
      },
    }, words);
    this.root.replaceChildren(
      h("div", { class: "dock-head" },
        h("div", { class: "tabs", role: "tablist", "aria-label": "Inspector" }, tab("wire", "Traffic"), tab("switches", "Faults and time")),
        h("div", { class: "end" },
          this.tab === "wire" && this.wire.tools,
          h("button", { type: "button", class: "plain", "aria-label": "Close the inspector", on: { click: this.close } }, icon("close")))),
      this.tab === "wire" ? this.wire.root : this.switches.root);
  }

  turn(name) {
    this.tab = name;
    this.build();
    this.world(this.known);
    this.root.querySelector('[role="tab"][aria-selected="true"]').focus();
  }
}
