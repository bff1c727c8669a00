// The bar above the screens: whether the app is connected, two seats side by side, the inspector, light and dark.

import { state } from "./api.js";
import { Dock } from "./dock.js";
import { append, h, icon } from "./dom.js";
import { follow, isDark, turn } from "./theme.js";

const part = (id) => document.getElementById(id);

export class Shell {
  constructor(feed) {
    this.feed = feed;
    this.world = null;
    this.dock = new Dock(part("dock"), (tab) => this.show(tab), () => this.show(null));
    feed.on((change) => this.changed(change));
    follow(() => this.draw());
    window.addEventListener("hashchange", () => this.hashed());
    window.addEventListener("unload", () => this.feed.close());
  }

  async start(query) {
    this.beside = query.get("beside");
    this.world = await state();
    if (this.beside) this.split(query);
    if (query.has("inspector")) this.show(query.get("inspector") === "panel" && this.world.panel ? "panel" : "wire");
    this.draw();
    if (this.beside) this.feed.start(this.world.seq);
  }

  changed(change) {
    if (["call", "envelope", "acknowledged", "panel"].includes(change.kind)) this.dock.later();
    if (change.kind === "panel" && this.world?.panel !== change.title) this.look();
    if (["sockets", "feed", "person", "channel", "faults", "clock"].includes(change.kind)) this.look();
  }

  async look() {
    try {
      this.world = await state();
      this.feed.caughtUp(this.world.seq);
    } catch {
      this.feed.live = false;
    }
    this.draw();
  }

  draw() {
    if (!this.world) return;
    const name = this.world.people.find((one) => one.id === this.world.app.bot_user_id)?.real_name;
    const [tone, words] = !this.feed.live && this.feed.source ? ["bad", "Simulator stopped"] : this.world.connected ? ["good", `${name} is connected`] : ["wait", `${name} is not connected`];
    const shown = part("dock").hidden ? null : this.dock.tab;
    const focused = part("tools").contains(document.activeElement) && document.activeElement.dataset.action;
    part("tools").replaceChildren();
    append(part("tools"), [
      h("span", { class: `status ${tone}`, role: "status", title: words, "aria-label": words }, h("span", { class: "dot" }), h("span", {}, words)),
      tool("columns", "Side by side", "Two seats side by side", Boolean(this.beside), () => this.toggleSplit(), "wide"),
      this.world.panel && tool("terminal", this.world.panel, `${this.world.panel}: what they ask and are told`, shown === "panel", () => this.show(shown === "panel" ? null : "panel")),
      tool("pulse", "Inspector", "Inspector: what Slack and the app send each other", Boolean(shown) && shown !== "panel", () => this.show(shown && shown !== "panel" ? null : "wire")),
      tool(isDark() ? "sun" : "moon", "", isDark() ? "Light colours" : "Dark colours", undefined, () => { turn(); this.draw(); })]);
    if (focused) part("tools").querySelector(`[data-action="${focused}"]`)?.focus();
    this.dock.world(this.world);
  }

  // A link to #panel shows the panel.
  hashed() {
    if (location.hash === "#panel" && this.world?.panel) this.show("panel");
  }

  // Shows the dock with this tab, or hides it.
  show(tab) {
    part("dock").hidden = !tab;
    const query = new URLSearchParams(location.search);
    if (tab) query.set("inspector", tab === "panel" ? tab : "");
    else query.delete("inspector");
    history.replaceState(null, "", `/?${query}`);
    if (tab) this.dock.open(tab, this.world);
    this.draw();
  }

  // Each seat is a separate page with its own focus, dialogs and width.
  split(query) {
    const place = { channel: query.get("channel") ?? "", thread: query.get("thread") ?? "" };
    const frame = (seat) => h("iframe", { title: `${seat}'s screen`, src: `/?${new URLSearchParams({ embed: "", seat, ...place })}` });
    document.body.classList.add("split");
    part("screen").hidden = true;
    part("seats").hidden = true;
    part("frames").hidden = false;
    part("frames").replaceChildren(frame(query.get("seat") ?? this.world.default_seat), frame(this.beside));
    document.title = `${this.world.team.name}, two seats`;
  }

  toggleSplit() {
    if (this.beside) {
      const left = new URLSearchParams(part("frames").firstChild.contentWindow.location.search);
      left.delete("embed");
      location.search = left;
      return;
    }
    const query = new URLSearchParams(location.search);
    const people = this.world.people.filter((one) => !one.is_bot && !one.deleted && one.name !== query.get("seat"));
    query.set("beside", people[0].name);
    location.search = query;
  }
}

function tool(sign, words, title, pressed, click, kind = "") {
  return h("button", { type: "button", class: `tool ${kind}`, title, "aria-label": title, "aria-pressed": pressed === undefined ? undefined : String(pressed), "data-action": sign, on: { click } },
    icon(sign), words && h("span", {}, words));
}
