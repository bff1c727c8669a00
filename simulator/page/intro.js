// The text above the first message: what this channel is and, if the simulator was given a hint, what to do first.

import { avatar, h, icon } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

export function intro({ channel, hint }, screen) {
  const { names } = screen;
  const other = channel.is_app ? names.app : channel.user && names.person(channel.user);
  return h("div", { class: "intro" },
    other ? avatar(other) : h("span", { class: "sign" }, icon(channel.is_ext_shared ? "shared" : channel.is_private ? "lock" : "hash")),
    h("h2", {}, other || channel.kind === "mpim" ? channel.title : `#${channel.title}`),
    h("p", {}, words(channel, names)),
    hint && steps(hint, screen));
}

function words(channel, names) {
  if (channel.is_app) return names.state.app.description || `Messages between you and ${channel.title}.`;
  if (channel.user) return `This conversation is between you and ${channel.title}.`;
  if (channel.is_ext_shared) return "This channel is shared with people from another company.";
  return `This is the very beginning of the ${channel.is_private ? "private channel" : "channel"} #${channel.title}. ${channel.topic?.value ? `${channel.topic.value}.` : ""}`;
}

// A step with a command has a button that puts it into the message box.
function steps(hint, screen) {
  return h("div", { class: "hint-card", role: "note", "aria-label": hint.title },
    h("h3", {}, hint.title),
    h("ol", { class: "steps" }, hint.steps.map((step) => h("li", {}, h("div", {},
      h("div", { class: "text" }, mrkdwn(step.text, screen.names)),
      step.command && h("button", { type: "button", class: "use", title: "Put this into the message box", "data-action": step.command, on: { click: () => screen.main.box?.fill(step.command) } },
        icon("slash"), step.command),
      step.panel && h("a", { class: "use", href: "#panel" }, icon("terminal"), step.panel))))));
}
