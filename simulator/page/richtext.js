// The rich_text block.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { date, link, mention } from "./mrkdwn.js";

function piece(part, names) {
  switch (part.type) {
    case "text": return part.text;
    case "link": return link(part.url, part.text);
    case "user": return mention("user", part.user_id, names);
    case "usergroup": return mention("group", part.usergroup_id, names);
    case "channel": return mention("channel", part.channel_id, names);
    case "broadcast": return mention("range", part.range, names);
    case "emoji": return emoji(`:${part.name}:`);
    case "date": return date(part.timestamp, part.format, part.fallback, part.url, names);
    case "color": return h("code", {}, part.value);
    default: return "";
  }
}

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];

function inline(parts, names) {
  return parts.map((part) => {
    let node = piece(part, names);
    for (const [style, tag] of STYLES) if (part.style?.[style]) node = h(tag, {}, node);
    return node;
  });
}

export function richText(block, names) {
  const nodes = [];
  let lists = [];
  for (const part of block.elements) {
    if (part.type !== "rich_text_list") lists = [];
    if (part.type === "rich_text_preformatted") nodes.push(h("pre", {}, inline(part.elements, names)));
    else if (part.type === "rich_text_quote") nodes.push(h("blockquote", {}, inline(part.elements, names)));
    else if (part.type === "rich_text_section") nodes.push(h("div", { class: "rich" }, inline(part.elements, names)));
    else if (part.type === "rich_text_list") {
      const level = part.indent ?? 0;
      const list = h(part.style === "ordered" ? "ol" : "ul", { class: `level-${level % 3}`, start: (part.offset ?? 0) + 1 });
      for (const item of part.elements) list.append(h("li", {}, inline(item.elements, names)));
      const parent = level > 0 ? lists[level - 1]?.lastElementChild : null;
      if (parent) parent.append(list);
      else nodes.push(list);
      lists = [...lists.slice(0, level), list];
    }
  }
  return h("div", { class: "rich-text" }, nodes);
}
