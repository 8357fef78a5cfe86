/**
 * The connection under a session: a WebSocket that is given up when it falls silent, and the pauses before the next one. It
 * knows no frames.
 */

/** A connection that does not open by then is given up and tried again. */
const DIAL_MS = 15_000;
const LOOK_MS = 1000;
/** The first pause before a new connection, and the longest; the truth is random between half of it and all of it. */
const PAUSE_MS = 250, PAUSE_MS_MAX = 15_000;

/** At most one WebSocket; nothing is heard of an earlier one. */
export class Line {
  #url;
  #silenceMs;
  #on;
  #socket = null;
  #watchdog = 0;
  #heardAt = 0;

  /**
   * @param {string | URL} url
   * @param {number} silenceMs Without any message for this long the connection counts as cut.
   * @param {{ open: () => void, message: (data: unknown) => void, cut: () => void }} on
   */
  constructor(url, silenceMs, on) {
    this.#url = url;
    this.#silenceMs = silenceMs;
    this.#on = on;
  }

  /** What stands for the connection of this moment: another one, and it is another thing. */
  get connection() {
    return this.#socket;
  }

  /** Opens a connection. Throws for an address that is none. */
  dial() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const heard = (act) => (event) => {
      if (this.#socket !== socket) return;
      this.#heardAt = Date.now();
      act(event);
    };
    socket.onopen = heard(() => this.#on.open());
    socket.onmessage = heard(({ data }) => this.#on.message(data));
    socket.onclose = heard(() => this.#on.cut());
    this.#heardAt = Date.now() - this.#silenceMs + DIAL_MS;
    clearInterval(this.#watchdog);
    this.#watchdog = setInterval(() => {
      if (Date.now() - this.#heardAt > this.#silenceMs) this.#on.cut();
    }, LOOK_MS);
  }

  /** @param {ArrayBuffer} frame */
  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Lets go of the connection, if there is one. */
  drop() {
    const socket = this.#socket;
    this.#socket = null;
    clearInterval(this.#watchdog);
    socket?.close();
  }
}

/** The pauses between connections: each longer than the last, and cut short when the network is back or somebody looks. */
export class BackOff {
  #act;
  #cutAt = null;
  #tries = 0;
  #timer = 0;

  /** @param {() => void} act Tries again. */
  constructor(act) {
    this.#act = act;
    globalThis.addEventListener?.("online", this.#hurry);
    globalThis.document?.addEventListener("visibilitychange", this.#hurry);
  }

  /** Whether no connection has been good since the last cut. */
  get isAway() {
    return this.#cutAt !== null;
  }

  /** Plans the next try; none if the first cut was longer ago than that. Gives the pause in milliseconds, or null. */
  again(awayMsMax) {
    const now = Date.now();
    this.#cutAt ??= now;
    if (now - this.#cutAt > awayMsMax) return null;
    const pause = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** this.#tries);
    const retryMs = Math.round(pause * (0.5 + Math.random() / 2));
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#now(), retryMs);
    return retryMs;
  }

  /** A connection is good. */
  reset() {
    this.#cutAt = null;
    this.#tries = 0;
  }

  /** No more tries. */
  end() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    globalThis.removeEventListener?.("online", this.#hurry);
    globalThis.document?.removeEventListener("visibilitychange", this.#hurry);
  }

  #hurry = () => {
    if (this.#timer !== 0 && globalThis.document?.visibilityState !== "hidden") this.#now();
  };

  #now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#act();
  }
}
