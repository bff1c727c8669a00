// Turns Slack's mrkdwn, and the Markdown of the markdown block, into nodes.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";

const decode = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function link(url, label) {
  const safe = /^(https?:|mailto:)/i.test(url);
  const shown = label || url.replace(/^mailto:/, "");
  const away = !url.startsWith(`${location.origin}/?`) && { target: "_blank", rel: "noopener noreferrer" };
  return safe ? h("a", { href: url, title: url, ...away }, shown) : shown;
}

export function mention(kind, id, names) {
  if (kind === "user") {
    const mine = id === names.seat.id;
    const person = names.person(id);
    return h("span", { class: `mention${mine ? " mine" : ""}`, title: person.real_name }, `@${person.name}`);
  }
  if (kind === "group") {
    const group = names.groups.get(id);
    return h("span", { class: `mention${names.isMine(id) ? " mine" : ""}` }, `@${group?.handle ?? id}`);
  }
  if (kind === "channel") return h("a", { class: "mention", href: `/?channel=${encodeURIComponent(id)}` }, `#${names.channels.get(id)?.name ?? id}`);
  return h("span", { class: "mention mine" }, `@${id}`);
}

export function date(seconds, form, fallback, url, names, leading = false) {
  if (!/^\d+$/.test(String(seconds))) return fallback ?? "";
  const counts = form.includes("{ago}") && { "data-ago": seconds, "data-form": form };
  const time = h("time", { title: names.full(seconds), ...counts }, names.date(seconds, form, leading));
  return url && /^https?:/i.test(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, time) : time;
}

function entity(inside, names, leading) {
  const [target, ...rest] = inside.split("|");
  const label = decode(rest.join("|"));
  if (target.startsWith("@")) return mention("user", target.slice(1), names);
  if (target.startsWith("#")) return mention("channel", target.slice(1), names);
  if (target.startsWith("!subteam^")) return mention("group", target.slice(9), names);
  if (target.startsWith("!date^")) {
    const [, seconds, form, url] = target.split("^");
    return date(seconds, decode(form ?? ""), label, url, names, leading);
  }
  if (target.startsWith("!")) return mention("range", target.slice(1), names);
  return link(decode(target), label);
}

const INLINE = /<([^<>\n]+)>|(https?:\/\/[^\s<>|`*]*[^\s<>|`*.,;:!?)\]])|`([^`\n]+)`|(?<![\p{L}\p{N}*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\p{L}\p{N}~])/gu;

function inline(text, names) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(...emoji(decode(text.slice(from, match.index))));
    const [, inside, url, code, bold, italic, strike] = match;
    if (inside !== undefined) nodes.push(entity(inside, names, match.index === 0));
    else if (url !== undefined) nodes.push(link(decode(url), ""));
    else if (code !== undefined) nodes.push(h("code", {}, decode(code)));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold, names)));
    else if (italic !== undefined) nodes.push(h("em", {}, inline(italic, names)));
    else nodes.push(h("s", {}, inline(strike, names)));
    from = match.index + match[0].length;
  }
  nodes.push(...emoji(decode(text.slice(from))));
  return nodes;
}

export function mrkdwn(text, names) {
  return text.split(/```/).flatMap((part, at) => {
    if (at % 2 === 1) return [h("pre", {}, decode(part.replace(/^\n|\n$/g, "")))];
    const trimmed = at > 0 ? part.replace(/^\n/, "") : part;
    return lines(trimmed.replace(/\n$/, at < text.split(/```/).length - 1 ? "" : "\n"), names);
  });
}

function lines(text, names) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, at, all) => {
    const quoted = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (quoted) {
      quote ??= nodes[nodes.push(h("blockquote")) - 1];
      if (quote.childNodes.length) quote.append(h("br"));
      quote.append(...inline(quoted[1], names).filter(Boolean));
      return;
    }
    nodes.push(...inline(line, names));
    if (at < all.length - 1 && !/^(?:&gt;|>)/.test(all[at + 1])) nodes.push(h("br"));
    quote = null;
  });
  return nodes.filter((node) => node !== "");
}

export function textObject(text, names) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, names) : emoji(text.text, { named: text.emoji !== false });
}

// The markdown block: headings, lists, quotes, code, emphasis, links.
const STRONG = /\*\*([^*\n]+)\*\*|__([^_\n]+)__|\*([^*\n]+)\*|_([^_\n]+)_|~~([^~\n]+)~~|`([^`\n]+)`|\[([^\]\n]+)\]\(([^)\s]+)\)/g;

function span(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(STRONG)) {
    nodes.push(...emoji(text.slice(from, match.index)));
    const [, strong, strong2, em, em2, gone, code, label, url] = match;
    if (strong ?? strong2) nodes.push(h("strong", {}, span(strong ?? strong2)));
    else if (em ?? em2) nodes.push(h("em", {}, span(em ?? em2)));
    else if (gone) nodes.push(h("s", {}, gone));
    else if (code) nodes.push(h("code", {}, code));
    else nodes.push(link(url, label));
    from = match.index + match[0].length;
  }
  nodes.push(...emoji(text.slice(from)));
  return nodes;
}

export function markdown(text) {
  const out = h("div", { class: "markdown" });
  let list = null;
  text.split(/```\w*\n?/).forEach((part, at) => {
    if (at % 2 === 1) {
      out.append(h("pre", {}, part.replace(/\n$/, "")));
      return;
    }
    for (const line of part.split("\n")) {
      const heading = /^(#{1,6})\s+(.*)$/.exec(line);
      const item = /^\s*(?:([-*+])|\d+[.)])\s+(.*)$/.exec(line);
      if (item) {
        const tag = item[1] ? "UL" : "OL";
        if (list?.tagName !== tag) out.append((list = h(tag)));
        list.append(h("li", {}, span(item[2])));
        continue;
      }
      list = null;
      if (heading) out.append(h(`h${Math.min(heading[1].length + 2, 6)}`, {}, span(heading[2])));
      else if (/^>\s?/.test(line)) out.append(h("blockquote", {}, span(line.replace(/^>\s?/, ""))));
      else if (/^(---+|\*\*\*+)$/.test(line.trim())) out.append(h("hr"));
      else if (line.trim()) out.append(h("p", {}, span(line)));
    }
  });
  return out;
}
