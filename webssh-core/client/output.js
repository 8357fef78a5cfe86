/**
 * Output on its way into the terminal: numbered over the whole session, acknowledged when the terminal has parsed it, not
 * when it has arrived.
 */

/** Consumed output is acknowledged at the latest after this many bytes ... */
const ACK_BYTES = 16 * 1024;
/** ... or after this long. Hidden pages may be slower; the server does not wait for this timer. */
const ACK_MS = 50;
/** A full reset of the terminal (RIS). */
const RESET = "\x1bc";

export class Output {
  #term;
  #send;
  #received = 0;
  #consumed = 0;
  #acked = 0;
  #timer = 0;
  #connected = false;
  /** Counts the beginnings; what the terminal parses late of an earlier one says nothing of this one. */
  #turn = 0;

  /** @param {{ write: Function }} term @param {(consumed: number) => void} send Sends an acknowledgement. */
  constructor(term, send) {
    this.#term = term;
    this.#send = send;
  }

  /** The number of the next byte. */
  get received() {
    return this.#received;
  }

  /** A connection begins at `from`. If anything was shown before, it goes: the tail comes again. */
  begin(from) {
    if (this.#turn > 0) this.#term.write(RESET);
    this.#turn += 1;
    this.#received = this.#consumed = this.#acked = from;
    this.#connected = true;
  }

  /** A connection goes on where the one before ended: what the server counts as received is acknowledged by that. */
  goOn() {
    this.#acked = this.#received;
    this.#connected = true;
  }

  /** Shows output. False for what is out of order. */
  take(seq, data) {
    if (seq !== this.#received || data.length === 0) return false;
    this.#show(data, seq + data.length);
    return true;
  }

  /** Output `from..to` is gone: what stands on the screen no longer says where the cursor is. False for what cannot be. */
  gap(from, to) {
    if (from !== this.#received || to <= from) return false;
    this.#show(RESET, to);
    return true;
  }

  /** The connection is gone. */
  pause() {
    this.#connected = false;
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  #show(data, end) {
    const turn = this.#turn;
    this.#received = end;
    this.#term.write(data, () => {
      if (turn !== this.#turn) return;
      this.#consumed = end;
      this.#ackSoon();
    });
  }

  #ackSoon() {
    if (!this.#connected) return;
    if (this.#consumed - this.#acked >= ACK_BYTES) {
      this.#ack();
    } else if (this.#timer === 0) {
      this.#timer = setTimeout(() => this.#ack(), ACK_MS);
    }
  }

  #ack() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#connected || this.#consumed <= this.#acked) return;
    this.#acked = this.#consumed;
    this.#send(this.#consumed);
  }
}
