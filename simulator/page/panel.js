// A panel that whoever started the simulator fills: what other programs have to do with the app.

import { panel } from "./api.js";
import { toast } from "./dialog.js";
import { h, icon, Keyed } from "./dom.js";
import { coloured } from "./json.js";
import { mrkdwn } from "./mrkdwn.js";
import { Names } from "./names.js";

export class Panel {
  constructor() {
    this.tools = [];
    this.open = new Set();
    this.root = h("div", { class: "dock-body panel", role: "tabpanel" });
  }

  names(world) {
    this.known = new Names(world, world.default_seat);
  }

  async refresh() {
    const { panel: found } = await panel();
    if (!found || !this.known) return;
    if (!this.lists) this.build(found);
    found.lists.forEach((list, at) => {
      this.lists[at].count.textContent = list.entries.length ? String(list.entries.length) : "";
      this.lists[at].rows.show(list.entries.length ? list.entries : [{ key: "none", none: list.empty }]);
    });
  }

  build(found) {
    this.lists = found.lists.map((list) => {
      const box = h("div", { class: "panel-rows", role: "list", "aria-label": list.title });
      return { title: list.title, box, count: h("span", { class: "panel-count" }), rows: new Keyed(box, (entry) => this.row(entry)) };
    });
    this.root.replaceChildren(
      h("section", { class: "panel-how", "aria-label": "How" },
        h("div", { class: "text" }, mrkdwn(found.text, this.known)),
        found.command && this.command(found.command)),
      ...this.lists.map(({ title, box, count }) => h("section", { "aria-label": title }, h("h3", {}, title, count), box)));
  }

  command(line) {
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(line);
        toast("The command was copied.");
      } catch {
        getSelection().selectAllChildren(code);
      }
    };
    const code = h("code", {}, line);
    return h("div", { class: "panel-command" },
      h("pre", { tabindex: "0", "aria-label": "Command" }, code),
      h("button", { type: "button", class: "use", on: { click: copy } }, icon("file"), "Copy"));
  }

  // An entry opens to what it is in full.
  row(entry) {
    if (entry.none) return h("div", { class: "panel-none", role: "listitem" }, entry.none);
    const opened = (event) => this.open[event.currentTarget.open ? "add" : "delete"](entry.key);
    return h("div", { class: "panel-row", role: "listitem" },
      h("details", { open: this.open.has(entry.key), on: { toggle: opened } },
        h("summary", { "data-action": entry.key },
          h("span", { class: `panel-state ${entry.tone}` }, entry.state),
          h("strong", {}, entry.title),
          h("span", { class: "panel-about" }, entry.about),
          h("time", {}, this.known.show(entry.at, { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" }))),
        h("pre", { class: "json", tabindex: "0", "aria-label": "In full" }, coloured(JSON.stringify(entry.detail, null, 2)))),
      entry.link && h("a", { class: "panel-link", href: entry.link }, entry.link_words));
  }
}
