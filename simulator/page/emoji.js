// Emoji by name. Those for a status are drawn, so that they look the same without an emoji font.

const SVG = "http://www.w3.org/2000/svg";

const CIRCLES = {
  red_circle: "#dd2e44", large_orange_circle: "#f4900c", large_yellow_circle: "#fdcb58", large_green_circle: "#78b159",
  large_blue_circle: "#55acee", white_circle: "#e6e7e8", black_circle: "#31373d",
};
const SIGNS = {
  white_check_mark: ["#2f9e58", "M4 4h12v12H4z", "M6.500 10.200l2.500 2.500 4.800-5.500"],
  ballot_box_with_check: ["#3b88c3", "M4 4h12v12H4z", "M6.500 10.200l2.500 2.500 4.800-5.500"],
  leftwards_arrow_with_hook: ["#3b88c3", "M4 4h12v12H4z", "M8.500 6 5.800 8.500 8.500 11M6 8.500h6a2.500 2.500 0 0 1 0 5h-3"],
  x: ["none", "", "M5 5l10 10M15 5 5 15", "#dd2e44"],
  warning: ["#ffcc4d", "M10 2.500 18.500 17h-17z", "M10 8v4M10 14.300v.100", "#231f20"],
  octagonal_sign: ["#dd2e44", "M7 3h6l4 4v6l-4 4H7l-4-4V7z", "M7 10h6"],
  no_entry: ["#dd2e44", "M10 2a8 8 0 1 0 .001 0z", "M6 10h8"],
  hourglass_flowing_sand: ["#ffe8b6", "M5 3h10l-4 7 4 7H5l4-7z", "M5 3h10M5 17h10", "#8a6d2f"],
  hourglass: ["#9aa0a6", "M5 3h10l-4 7 4 7H5l4-7z", "M5 3h10M5 17h10M4 4l12 12", "#4a4d52"],
  lock: ["#ffac33", "M4.500 9h11v8h-11z", "M7 9V6.500a3 3 0 0 1 6 0V9", "#8899a6"],
  bell: ["#ffac33", "M10 3c4 0 4.500 3.500 4.500 6.500 0 2 1.500 3 1.500 4.500H4c0-1.500 1.500-2.500 1.500-4.500C5.500 6.500 6 3 10 3z", "M8.500 16.500h3", "#c27c0e"],
};
const LETTERS = {
  heavy_check_mark: "✔", robot_face: "🤖", eyes: "👀", pencil: "📝", pencil2: "✏️", memo: "📝", tada: "🎉", rocket: "🚀",
  no_entry_sign: "🚫", rotating_light: "🚨", stopwatch: "⏱", alarm_clock: "⏰", link: "🔗", thread: "🧵",
  raised_hand: "✋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", mag: "🔍", wastebasket: "🗑",
  file_folder: "📁", page_facing_up: "📄", information_source: "ℹ️", arrow_right: "➡", fire: "🔥", bulb: "💡", key: "🔑",
  arrows_counterclockwise: "🔄", inbox_tray: "📥", wave: "👋", clock3: "🕒", shield: "🛡",
};
const DRAWN = {
  "✅": "white_check_mark", "☑": "ballot_box_with_check", "↩": "leftwards_arrow_with_hook", "❌": "x", "⚠": "warning", "⛔": "no_entry", "🛑": "octagonal_sign", "⏳": "hourglass_flowing_sand", "⌛": "hourglass",
  "🔒": "lock", "🔔": "bell", "🔴": "red_circle", "🟠": "large_orange_circle", "🟡": "large_yellow_circle", "🟢": "large_green_circle",
  "🔵": "large_blue_circle", "⚪": "white_circle", "⚫": "black_circle",
};
const SIGN = `(${Object.keys(DRAWN).join("|")})\\uFE0F?`;
const FOUND = new RegExp(`:([a-z0-9_+-]+):|${SIGN}`, "gu");
const FOUND_SIGN = new RegExp(`()${SIGN}`, "gu");

function path(d, attributes) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("d", d);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function drawn(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "emoji");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name.replaceAll("_", " "));
  if (CIRCLES[name]) {
    svg.append(path("M10 2.500a7.500 7.500 0 1 0 .001 0z", { fill: CIRCLES[name] }));
  } else {
    const [fill, shape, mark, ink = "#fff"] = SIGNS[name];
    if (shape) svg.append(path(shape, { fill, stroke: fill, "stroke-width": 2, "stroke-linejoin": "round" }));
    svg.append(path(mark, { fill: "none", stroke: ink, "stroke-width": shape ? 2 : 3, "stroke-linecap": "round", "stroke-linejoin": "round" }));
  }
  return svg;
}

// The text as a list of strings and drawings. With `named: false`, `:bell:` stays as it is, and only 🔔 is drawn.
export function emoji(text, { named = true } = {}) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(named ? FOUND : FOUND_SIGN)) {
    const name = match[1] || DRAWN[match[2]];
    const shown = CIRCLES[name] || SIGNS[name] ? drawn(name) : LETTERS[name];
    if (!shown) continue;
    nodes.push(text.slice(from, match.index), shown);
    from = match.index + match[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}
