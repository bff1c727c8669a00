// The inspector at the bottom: the panel of other programs, the traffic, and buttons that make calls fail.

import { h, icon } from "./dom.js";
import { Panel } from "./panel.js";
import { Switches } from "./switches.js";
import { Wire } from "./wire.js";

export class Dock {
  constructor(root, chosen, close) {
    this.root = root;
    this.chosen = chosen;
    this.close = close;
    this.tab = "wire";
    this.waiting = 0;
  }

  open(tab, world) {
    if (!this.wire) Object.assign(this, { panel: new Panel(), wire: new Wire(), switches: new Switches() });
    this.tab = tab;
    this.known = world;
    this.build();
    this.world(world);
    this.refresh();
    this.root.querySelector('[role="tab"][aria-selected="true"]').focus();
  }

  later() {
    if (this.root.hidden || this.waiting) return;
    this.waiting = setTimeout(() => { this.waiting = 0; this.refresh(); }, 120);
  }

  refresh() {
    if (this.tab === "panel") this.panel.refresh();
    else this.wire.refresh();
  }

  get tabs() {
    const panel = this.known.panel ? [["panel", this.known.panel]] : [];
    return [...panel, ["wire", "Traffic"], ["switches", "Faults and time"]];
  }

  world(world) {
    this.known = world;
    if (!this.root.hidden) {
      this.panel.names(world);
      this.wire.names(world);
      this.switches.draw(world);
    }
  }

  build() {
    const tab = (name, words) => h("button", {
      type: "button", role: "tab", "aria-selected": String(this.tab === name), tabindex: this.tab === name ? "0" : "-1",
      on: {
        click: () => this.chosen(name),
        keydown: (event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          const names = this.tabs.map(([one]) => one);
          if (step) this.chosen(names[(names.indexOf(name) + step + names.length) % names.length]);
        },
      },
    }, words);
    this.root.replaceChildren(
      h("div", { class: "dock-head" },
        h("div", { class: "tabs", role: "tablist", "aria-label": "Inspector" }, this.tabs.map(([name, words]) => tab(name, words))),
        h("div", { class: "end" },
          this.tab === "wire" && this.wire.tools,
          h("button", { type: "button", class: "plain", "aria-label": "Close the inspector", on: { click: this.close } }, icon("close")))),
      this[this.tab].root);
  }
}
