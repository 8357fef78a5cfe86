/**
 * The browser's end of a webssh-core session: joins an xterm.js terminal to a WebSocket.
 *
 * One frame is one binary message: a type byte, then big-endian numbers, then bytes. The table stands
 * in the documentation of the Rust module `webssh_core::frame`. No dependency, no markup, no styles.
 */

const VERSION = 1;
const HELLO = 0x01, INPUT = 0x02, RESIZE = 0x03, ACK = 0x04, PONG = 0x05;
const WELCOME = 0x81, DATA = 0x82, INPUT_ACK = 0x83, PING = 0x84, EXIT = 0x85, FAILURE = 0x86;

/** The most input bytes in one frame. */
const INPUT_FRAME_BYTES_MAX = 16 * 1024;
/** The most input bytes that wait for the server; what goes beyond is refused with a notice. */
const INPUT_WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** Consumed output is acknowledged at the latest after this many bytes ... */
const ACK_BYTES = 16 * 1024;
/** ... or after this long. Hidden pages may be slower; the server does not wait for this timer. */
const ACK_MS = 50;
/** Columns and rows that the wire can carry. */
const CELLS_MAX = 1000;

/**
 * @typedef {object} State
 * @property {"connecting" | "open" | "closed"} name
 * @property {"exit" | "failure" | "lost" | "protocol" | "left"} [reason] Only when closed.
 * @property {number} [status] The exit status, when the reason is "exit".
 * @property {number} [code] The failure code, when the reason is "failure".
 * @property {string} [text] Words for a person. In the state "open": a notice.
 */

/**
 * Connects a terminal.
 *
 * @param {object} options
 * @param {string | URL} options.url The address of the WebSocket.
 * @param {import("@xterm/xterm").Terminal} options.term An open terminal.
 * @param {(state: State) => void} [options.onState] Told of every change of state.
 * @returns {{ close: () => void }} `close` leaves the session.
 */
export function connect({ url, term, onState = () => {} }) {
  return new Session(url, term, onState);
}

class Session {
  #socket;
  #term;
  #onState;
  #listeners = [];
  #closed = false;
  #open = false;
  #input = { queue: [], waiting: 0, sent: 0, acked: 0, max: 0 };
  #output = { received: 0, consumed: 0, acked: 0, timer: 0 };

  constructor(url, term, onState) {
    this.#term = term;
    this.#onState = onState;
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#hello();
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = () => this.#end({ reason: "lost", text: "the connection was closed" });
    this.#onState({ name: "connecting" });
  }

  close() {
    this.#end({ reason: "left", text: "you left the session" });
  }

  #hello() {
    const view = frame(HELLO, 9);
    view.setUint8(1, VERSION);
    view.setUint32(2, 0);
    putSize(view, 6, this.#term);
    this.#send(view);
  }

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    if (this.#closed) return;
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0) {
      this.#broken("a message that is no frame");
      return;
    }
    try {
      this.#take(new DataView(data));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#broken("a frame that is too short");
    }
  }

  /** @param {DataView} view */
  #take(view) {
    const type = view.getUint8(0);
    if (!this.#open && ![WELCOME, EXIT, FAILURE].includes(type)) {
      this.#broken("a frame before the welcome");
      return;
    }
    switch (type) {
      case WELCOME:
        return this.#welcome(view);
      case DATA:
        return this.#write(view);
      case INPUT_ACK:
        return this.#inputAck(number(view, 1));
      case PING:
        return this.#sendNumber(PONG, number(view, 1));
      case EXIT:
        return this.#end({ reason: "exit", status: view.getUint32(1), text: "the shell ended" });
      case FAILURE: {
        const code = view.getUint16(1);
        return this.#end({ reason: "failure", code, text: new TextDecoder().decode(bytes(view, 3)) });
      }
      default:
        return this.#broken("a frame of an unknown type");
    }
  }

  #welcome(view) {
    if (this.#open || view.getUint8(1) !== VERSION) {
      this.#broken("a welcome that does not fit");
      return;
    }
    this.#input.max = view.getUint32(6);
    this.#open = true;
    const encoder = new TextEncoder();
    this.#listeners = [
      this.#term.onData((text) => this.#type(encoder.encode(text))),
      this.#term.onBinary((text) => this.#type(Uint8Array.from(text, (char) => char.charCodeAt(0)))),
      this.#term.onResize((size) => this.#resize(size)),
    ];
    // The terminal may have been fitted between the hello and now.
    this.#resize(this.#term);
    this.#onState({ name: "open" });
  }

  /** Shows output; what the terminal has parsed is acknowledged, not what has arrived. */
  #write(view) {
    const data = bytes(view, 9);
    if (number(view, 1) !== this.#output.received) {
      this.#broken("output that is out of order");
      return;
    }
    this.#output.received += data.length;
    this.#term.write(data, () => {
      this.#output.consumed += data.length;
      this.#ackSoon();
    });
  }

  #ackSoon() {
    const output = this.#output;
    if (this.#closed) return;
    if (output.consumed - output.acked >= ACK_BYTES) {
      this.#ack();
    } else if (output.timer === 0) {
      output.timer = setTimeout(() => this.#ack(), ACK_MS);
    }
  }

  #ack() {
    const output = this.#output;
    clearTimeout(output.timer);
    output.timer = 0;
    if (this.#closed || output.acked === output.consumed) return;
    output.acked = output.consumed;
    this.#sendNumber(ACK, output.consumed);
  }

  /** @param {Uint8Array} data */
  #type(data) {
    const input = this.#input;
    if (input.waiting + data.length > INPUT_WAITING_BYTES_MAX) {
      this.#onState({ name: "open", text: "the pasted text is too long and was left out" });
      return;
    }
    for (let at = 0; at < data.length; at += INPUT_FRAME_BYTES_MAX) {
      input.queue.push(data.subarray(at, at + INPUT_FRAME_BYTES_MAX));
    }
    input.waiting += data.length;
    this.#flush();
  }

  /** Sends what the server has room for. */
  #flush() {
    const input = this.#input;
    while (input.queue.length > 0 && input.sent - input.acked + input.queue[0].length <= input.max) {
      const data = input.queue.shift();
      const view = frame(INPUT, 8 + data.length);
      view.setBigUint64(1, BigInt(input.sent));
      bytes(view, 9).set(data);
      input.sent += data.length;
      input.waiting -= data.length;
      this.#send(view);
    }
  }

  #inputAck(seq) {
    const input = this.#input;
    if (seq < input.acked || seq > input.sent) {
      this.#broken("an acknowledgement that does not fit");
      return;
    }
    input.acked = seq;
    this.#flush();
  }

  #resize(size) {
    const view = frame(RESIZE, 4);
    putSize(view, 1, size);
    this.#send(view);
  }

  #sendNumber(type, value) {
    const view = frame(type, 8);
    view.setBigUint64(1, BigInt(value));
    this.#send(view);
  }

  #send(view) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(view.buffer);
  }

  #broken(what) {
    this.#end({ reason: "protocol", text: `the server sent ${what}` });
  }

  #end(how) {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#output.timer);
    for (const listener of this.#listeners) listener.dispose();
    this.#input.queue = [];
    this.#socket.close();
    this.#onState({ name: "closed", ...how });
  }
}

/** A frame of `type` with `length` bytes after the type. */
function frame(type, length) {
  const view = new DataView(new ArrayBuffer(1 + length));
  view.setUint8(0, type);
  return view;
}

/** The bytes of a frame from `at` on, without a copy. */
function bytes(view, at) {
  return new Uint8Array(view.buffer, at);
}

/** A 64-bit number; beyond 2^53 bytes or milliseconds a page does not live. */
function number(view, at) {
  return Number(view.getBigUint64(at));
}

function putSize(view, at, { cols, rows }) {
  const cells = (value) => Math.min(CELLS_MAX, Math.max(1, value));
  view.setUint16(at, cells(cols));
  view.setUint16(at + 2, cells(rows));
}
