// The live changes in the simulator. A hidden page closes its connection, because a browser allows only six.

export class Feed {
  constructor() {
    this.last = 0;
    this.live = false;
    this.listeners = [];
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
  }

  start(seq) {
    this.last = seq;
    this.open();
  }

  on(listener) {
    this.listeners.push(listener);
  }

  open() {
    if (this.source || document.hidden) return;
    this.source = new EventSource(`/sim/events?after=${this.last}`);
    this.source.addEventListener("message", (event) => {
      const change = JSON.parse(event.data);
      this.last = change.seq;
      this.tell(change);
    });
    this.source.addEventListener("open", () => this.turn(true));
    this.source.addEventListener("error", () => this.turn(false));
  }

  close() {
    this.source?.close();
    this.source = undefined;
  }

  // The simulator was restarted and counts from one again.
  caughtUp(seq) {
    if (seq >= this.last) return;
    this.close();
    this.start(seq);
  }

  turn(live) {
    this.live = live;
    this.tell({ kind: "feed", live });
  }

  tell(change) {
    for (const listener of this.listeners) listener(change);
  }
}
