/**
 * The browser's end of a webssh-core session: joins an xterm.js terminal to a WebSocket, and joins it
 * again after every cut, with no byte lost and none shown twice.
 *
 * This file holds the course of a session. Beside it: the bytes (`wire.js`), the two numbered streams (`output.js`,
 * `input.js`) and the connection (`transport.js`). No dependency, no markup, no styles.
 */

import { Input } from "./input.js";
import { Output } from "./output.js";
import { BackOff, Line } from "./transport.js";
import * as wire from "./wire.js";

/** Failures after which the session still stands: no answer to a ping, no room for a moment. */
const TRY_AGAIN = [5, 15];
/** The ticket was too late or is used up: another one may do. */
const TICKET_FAILED = 16;
/** What a server may say before the welcome. */
const EARLY = ["welcome", "exit", "failure", "ping", "prompt", "hostKey"];
/** Without any frame for this long the connection counts as cut. A server sends a ping every 15 seconds by default. */
const SILENCE_MS = 60_000;

/**
 * @typedef {object} State
 * @property {"connecting" | "open" | "cut" | "closed"} name "cut": a new connection will be tried.
 * @property {"exit" | "failure" | "lost" | "protocol" | "left" | "ticket"} [reason] Only when closed.
 * @property {number} [status] The exit status, when the reason is "exit".
 * @property {number} [code] The failure code, when the reason is "failure".
 * @property {string} [text] Words for a person. In the state "open": a notice.
 * @property {"owner" | "observer"} [role] Only when open.
 * @property {number} [retryMs] When cut: the pause before the next try.
 * @property {boolean} [resumed] Only when open: whether an earlier connection goes on.
 */

/**
 * Connects a terminal.
 *
 * @param {object} options
 * @param {string | URL} options.url The address of the WebSocket. It holds no secret.
 * @param {import("@xterm/xterm").Terminal} options.term An open terminal.
 * @param {() => Promise<string | null>} [options.ticket] Fetches a one-use ticket; without it none is shown.
 * @param {number} [options.silenceMs] Milliseconds without any frame after which the connection counts as cut; more than
 *   the server's heartbeat. 60,000 by default.
 * @param {(state: State) => void} [options.onState] Told of every change of state, and of notices.
 * @param {(milliseconds: number) => void} [options.onLatency] Told of each measured round trip.
 * @param {(count: number) => void} [options.onWatchers] Told how many observers look on.
 * @param {(question: {name: string, instruction: string, prompts: {text: string, echo: boolean}[]}) => Promise<string[] | null>} [options.onPrompt]
 *   Asks the person; null gives up.
 * @param {(question: {host: string, algorithm: string, fingerprint: string}) => Promise<boolean>} [options.onHostKey]
 *   Asks whether an unknown server is to be trusted.
 * @returns {{ close: () => void, detach: () => void, send: (text: string) => void }} `close` ends the session;
 *   `detach` leaves it running on the server; `send` types text.
 */
export function connect(options) {
  return new Session(options);
}

class Session {
  #options;
  #term;
  #line;
  #backOff;
  #input;
  #output;
  #listeners = [];
  #name = "connecting";
  /** Whether the connection was welcomed. */
  #opened = false;
  #token = null;
  #role = "owner";
  #keptMs = 0;
  #ticketFailed = false;
  #encoder = new TextEncoder();

  constructor(options) {
    const nothing = () => {};
    this.#options = {
      ticket: null, onState: nothing, onLatency: nothing, onWatchers: nothing,
      onPrompt: async () => null, onHostKey: async () => false, silenceMs: SILENCE_MS, ...options,
    };
    this.#term = options.term;
    this.#line = new Line(options.url, this.#options.silenceMs, {
      open: () => this.#hello(), message: (data) => this.#receive(data), cut: () => this.#cut(),
    });
    this.#output = new Output(this.#term, (consumed) => this.#line.send(wire.ack(consumed)));
    this.#input = new Input((seq, data) => this.#line.send(wire.input(seq, data)));
    this.#backOff = new BackOff(() => this.#dial());
    this.#state({ name: "connecting" });
    this.#dial();
  }

  close() {
    // An observer has nothing to end but its own connection.
    if (this.#role === "owner") this.#line.send(wire.leave());
    this.#end({ reason: "left", text: "you ended the session" });
  }

  detach() {
    this.#end({ reason: "left", text: "you left the session; it goes on for a while" });
  }

  send(text) {
    if (this.#role === "owner") this.#type(this.#encoder.encode(text));
  }

  #state(state) {
    this.#name = state.name;
    this.#options.onState(state);
  }

  #notice(text) {
    this.#options.onState({ name: this.#name, text });
  }

  #closed() {
    return this.#name === "closed";
  }

  /** A ticket for the connection that is being made. */
  #ticket = null;

  /** Fetches a ticket where one is needed, and opens a connection. */
  async #dial() {
    this.#ticket = null;
    if (this.#token === null && this.#options.ticket !== null && !(await this.#fetchTicket())) return;
    if (this.#closed()) return;
    try {
      this.#line.dial();
    } catch (error) {
      this.#end({ reason: "lost", text: words(error) });
    }
  }

  /** Says whether there is a ticket; where the network is still away, there will be another try. */
  async #fetchTicket() {
    try {
      this.#ticket = await this.#options.ticket();
      return true;
    } catch (error) {
      // The fetch of a browser fails with this kind where nobody answers.
      if (this.#backOff.isAway && error instanceof TypeError) this.#cut();
      else this.#end({ reason: "ticket", text: words(error) });
      return false;
    }
  }

  #hello() {
    this.#opened = false;
    const opening = { ticket: this.#ticket, token: this.#token, received: this.#output.received };
    this.#line.send(wire.hello(this.#term, opening));
  }

  #receive(message) {
    const frame = wire.read(message);
    if (frame === null) {
      this.#broken("a message that is no frame");
    } else if (!this.#opened && !EARLY.includes(frame.type)) {
      this.#broken("a frame before the welcome");
    } else {
      this.#take[frame.type](frame);
    }
  }

  /** What is done about each frame. */
  #take = {
    welcome: (frame) => this.#welcome(frame),
    data: ({ seq, data }) => {
      if (!this.#output.take(seq, data)) this.#broken("output that is out of order");
    },
    gap: ({ from, to }) => {
      if (!this.#output.gap(from, to)) this.#broken("a gap that does not fit");
      else this.#notice(`${to - from} bytes of output were lost while you were away`);
    },
    inputAck: ({ seq }) => {
      if (!this.#input.ack(seq)) this.#broken("an acknowledgement that does not fit");
    },
    ping: ({ stamp, rtt }) => {
      this.#line.send(wire.pong(stamp));
      if (rtt !== null) this.#options.onLatency(rtt);
    },
    exit: ({ status }) => this.#end({ reason: "exit", status, text: "the shell ended" }),
    failure: ({ code, text }) => this.#failure(code, text),
    prompt: (question) => this.#prompt(question),
    hostKey: ({ id, host, algorithm, fingerprint }) => {
      const answer = (accept) => this.#line.send(wire.hostAnswer(id, accept === true));
      this.#ask(this.#options.onHostKey, { host, algorithm, fingerprint }, false, answer);
    },
    resized: ({ cols, rows }) => this.#term.resize?.(cols, rows),
    watchers: ({ count }) => this.#options.onWatchers(count),
  };

  #welcome({ version, caps, role, token, from, typed, inputMax, keptSecs, cols, rows }) {
    const resumed = this.#token !== null;
    if (this.#opened || version !== wire.VERSION || (resumed && from < this.#output.received)) {
      this.#broken("a welcome that does not fit");
      return;
    }
    if (!resumed) {
      // An observer that comes back is shown the tail again, on an empty screen.
      this.#output.begin(from);
      this.#input.begin(typed, inputMax);
    } else if (this.#input.goOn(typed, inputMax)) {
      this.#output.goOn();
    } else {
      this.#broken("a welcome that does not know what was typed");
      return;
    }
    this.#role = role;
    this.#token = role === "owner" && (caps & wire.CAP_RESUME) !== 0 ? token.slice() : null;
    this.#keptMs = 1000 * keptSecs;
    this.#opened = true;
    this.#backOff.reset();
    this.#ticketFailed = false;
    if (role === "observer") this.#term.resize?.(cols, rows);
    else this.#listen();
    this.#state({ name: "open", role, resumed });
  }

  /** What is typed goes out from here on. */
  #listen() {
    if (this.#listeners.length === 0) {
      this.#listeners = [
        this.#term.onData((text) => this.#type(this.#encoder.encode(text))),
        this.#term.onBinary((text) => this.#type(Uint8Array.from(text, (char) => char.charCodeAt(0)))),
        this.#term.onResize((size) => this.#resize(size)),
      ];
    }
    // The terminal may have been fitted between the hello and now.
    this.#resize(this.#term);
    this.#input.flush();
  }

  #resize(size) {
    if (this.#opened) this.#line.send(wire.resize(size));
  }

  /** @param {Uint8Array} data */
  #type(data) {
    if (this.#closed() || data.length === 0) return;
    if (!this.#input.type(data)) this.#notice("the pasted text is too long and was left out");
  }

  /** Some failures end a connection and not the session; the others are for a person to read. */
  #failure(code, text) {
    if (TRY_AGAIN.includes(code) && this.#returns()) {
      this.#cut();
      return;
    }
    if (code === TICKET_FAILED && !this.#ticketFailed && this.#token === null && this.#options.ticket !== null) {
      this.#ticketFailed = true;
      this.#drop();
      this.#dial();
      return;
    }
    this.#end({ reason: "failure", code, text });
  }

  #prompt({ id, name, instruction, prompts }) {
    this.#ask(this.#options.onPrompt, { name, instruction, prompts }, null, (answers) => {
      if (answers === null) {
        this.close();
        return;
      }
      const encoded = answers.map((answer) => this.#encoder.encode(answer));
      if (encoded.length !== prompts.length || encoded.some(({ length }) => length > wire.ANSWER_BYTES_MAX)) {
        this.#line.send(wire.leave());
        this.#end({ reason: "left", text: "the answer is too long" });
        return;
      }
      this.#line.send(wire.answer(id, encoded));
    });
  }

  /** Puts a question to the page. A page that fails to answer says no; an answer for a former connection is dropped. */
  async #ask(put, question, no, then) {
    const { connection } = this.#line;
    let answer = no;
    try {
      answer = await put(question);
    } catch (error) {
      this.#notice(words(error));
    }
    if (connection === this.#line.connection && !this.#closed()) then(answer);
  }

  /** Whether a session waits for this client: for its token, or as an observer for a new ticket. */
  #returns() {
    return this.#token !== null || (this.#role === "observer" && this.#options.ticket !== null);
  }

  /** The connection is gone. Where the session waits on the server, another try is worth it. */
  #cut() {
    if (this.#closed()) return;
    this.#drop();
    if (!this.#returns()) {
      this.#end({ reason: "lost", text: "the connection was closed" });
      return;
    }
    // The server may notice the cut later than this side does.
    const retryMs = this.#backOff.again(this.#keptMs + this.#options.silenceMs);
    if (retryMs === null) this.#end({ reason: "lost", text: "the connection could not be made again in time" });
    else this.#state({ name: "cut", retryMs });
  }

  /** Lets go of the connection, if there is one. */
  #drop() {
    this.#opened = false;
    this.#output.pause();
    this.#input.pause();
    this.#line.drop();
  }

  #broken(what) {
    this.#end({ reason: "protocol", text: `the server sent ${what}` });
  }

  #end(how) {
    if (this.#closed()) return;
    this.#name = "closed";
    this.#backOff.end();
    for (const listener of this.#listeners) listener.dispose();
    this.#listeners = [];
    this.#drop();
    this.#input.clear();
    this.#options.onState({ name: "closed", ...how });
  }
}

function words(error) {
  return String(error?.message ?? error);
}
