// Draws one message, modal or Home with the simulator's own page, without a simulator behind it.

import { HomeTab } from "/page/home.js";
import { message } from "/page/message.js";
import { Modal } from "/page/modal.js";
import { Names } from "/page/names.js";
import { h } from "/page/dom.js";

const nothing = () => {};

// Shows it, and says where it stands.
window.show = (state, drawing) => {
  const names = new Names(state, drawing.seat);
  const place = document.getElementById("place");
  place.replaceChildren(drawn(names, drawing));
  const { y, width, height } = place.firstElementChild.getBoundingClientRect();
  return { y: y + window.scrollY, width, height };
};

function drawn(names, { place, content, seat }) {
  if (place === "modal") return h("dialog", { open: true }, new Modal().form(content, 1, {}, seat, names, nothing));
  if (place === "home") return new HomeTab({ names, now: { seat } }).tab(content);
  return message(content, {
    names, press: nothing, openThread: nothing, hide: nothing, shortcuts: () => [], shortcut: nothing, copy: nothing,
    edit: nothing, remove: nothing, react: nothing, suggest: nothing,
  });
}

window.ready = true;
