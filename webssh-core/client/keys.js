/** The row of keys that a phone lacks, with a Ctrl and an Alt that hold for the next key. */

import { element } from "./look.js";

/** The label, and what is typed. The arrows follow the terminal's cursor-key mode. */
const KEYS = [
  ["Esc", "\x1b"], ["Tab", "\t"], ["Ctrl", null], ["Alt", null], ["↑", "A"], ["↓", "B"], ["←", "D"], ["→", "C"],
  ["^C", "\x03"], ["|", "|"], ["/", "/"], ["~", "~"], ["-", "-"],
];
const MODES = { Ctrl: "ctrl", Alt: "alt" };

export class KeyRow {
  #term;
  #held = { ctrl: false, alt: false };
  #modes = [];

  /** Puts the keys into an element. @param {HTMLElement} row @param {import("@xterm/xterm").Terminal} term */
  constructor(row, term) {
    this.#term = term;
    for (const [label, typed] of KEYS) row.append(this.#key(label, typed));
    // The keyboard of a phone names no key; it only says what it would write.
    term.textarea?.addEventListener("beforeinput", (event) => {
      if (!this.#holds() || event.data?.length !== 1) return;
      event.preventDefault();
      this.#press(event.data, event.data);
    });
  }

  /** Takes a key of the keyboard that goes with a modifier of the row. Says whether it did. */
  take(event) {
    if (!this.#holds() || event.type !== "keydown" || event.key.length !== 1) return false;
    event.preventDefault();
    this.#press(event.key, event.key);
    return true;
  }

  #key(label, typed) {
    const key = element("button", { type: "button", class: "ws-key" }, label);
    const mode = MODES[label];
    if (mode !== undefined) {
      key.setAttribute("aria-pressed", "false");
      this.#modes.push(key);
    }
    // The letters' keyboard of a phone must stay open, so the terminal keeps the focus.
    key.addEventListener("pointerdown", (event) => event.preventDefault());
    key.addEventListener("click", () => {
      if (mode === undefined) {
        this.#press(label, typed);
      } else {
        this.#held[mode] = !this.#held[mode];
        key.setAttribute("aria-pressed", String(this.#held[mode]));
      }
      this.#term.focus();
    });
    return key;
  }

  #holds() {
    return this.#held.ctrl || this.#held.alt;
  }

  #press(label, typed) {
    const arrow = "↑↓←→".includes(label);
    const lead = this.#term.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[";
    let text = arrow ? lead + typed : typed;
    if (this.#held.ctrl && text.length === 1) {
      const code = text.toUpperCase().charCodeAt(0);
      if (code >= 0x40 && code <= 0x5f) text = String.fromCharCode(code & 0x1f);
    }
    if (this.#held.alt) text = `\x1b${text}`;
    this.#held = { ctrl: false, alt: false };
    for (const key of this.#modes) key.setAttribute("aria-pressed", "false");
    this.#term.input(text);
  }
}
