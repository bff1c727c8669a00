// One screen, or two side by side, each in its own page.

import { toast } from "./dialog.js";
import { Feed } from "./feed.js";
import { Screen } from "./screen.js";
import { Shell } from "./shell.js";
import { follow } from "./theme.js";

const query = new URLSearchParams(location.search);
const embedded = query.has("embed");
const feed = new Feed();

async function start() {
  document.body.classList.toggle("embed", embedded);
  if (embedded) follow(() => {});
  else await new Shell(feed).start(query);
  if (embedded || !query.has("beside")) await new Screen(feed).start(query);
}

window.addEventListener("unhandledrejection", (event) => toast(event.reason?.message ?? "Something went wrong."));

start().catch((problem) => { document.getElementById("main").textContent = `The simulator does not answer: ${problem.message}`; });
