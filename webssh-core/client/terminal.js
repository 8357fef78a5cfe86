/**
 * A terminal to look at: dresses xterm.js for `webssh.js`. It makes the elements inside a given one,
 * speaks to the person in their language and sets no inline style, so it works under a strict
 * Content-Security-Policy. Its looks stand in `terminal.css`.
 *
 * The xterm.js classes are passed in; none is imported here, so any bundler or none will do.
 */

import { ask, trust } from "./dialog.js";
import { KeyRow } from "./keys.js";
import { THEMES, element, icon } from "./look.js";
import { connect } from "./webssh.js";
import { WORDS } from "./words.js";

export { THEMES, WORDS };

const FONT_SIZES = [11, 12, 13, 14, 15, 16, 18, 20, 24, 28];
const FONT_SIZE = 15;
const STORE = "webssh.terminal";

/**
 * @param {object} options
 * @param {HTMLElement} options.root Where the terminal goes. It is emptied.
 * @param {object} options.xterm `{ Terminal, FitAddon, SearchAddon?, WebLinksAddon?, Unicode11Addon? }`
 * @param {string | URL} options.url The address of the WebSocket.
 * @param {() => Promise<string | null>} [options.ticket] Fetches a one-use ticket.
 * @param {"en" | "zh"} [options.language]
 * @param {"dark" | "light" | "contrast"} [options.theme] Used until the person chooses one.
 * @param {boolean} [options.readOnly] For observers: nothing is typed.
 * @param {(files: File[]) => void} [options.onFiles] Makes files droppable.
 * @param {(title: string) => void} [options.onTitle] Told of the title that the shell sets, without control characters.
 * @param {(state: import("./webssh.js").State) => void} [options.onState]
 */
export class TerminalView {
  #options;
  #words;
  #term;
  #fit;
  #search = null;
  #session = null;
  #parts;
  #observer;

  constructor(options) {
    this.#options = options;
    this.#words = WORDS[options.language] ?? WORDS.en;
    this.#parts = this.#build(options.root);
    const { Terminal, FitAddon, SearchAddon, WebLinksAddon, Unicode11Addon } = options.xterm;
    const kept = stored();
    const theme = [kept.theme, options.theme].find((name) => name in THEMES) ?? "dark";
    options.root.dataset.theme = theme;
    this.#term = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      disableStdin: options.readOnly === true,
      fontFamily: '"JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "WenQuanYi Micro Hei Mono", monospace',
      fontSize: FONT_SIZES.includes(kept.size) ? kept.size : FONT_SIZE,
      lineHeight: 1.15,
      macOptionIsMeta: true,
      // Programs choose colours without knowing the background: WCAG 2.2 level AA is kept for them.
      minimumContrastRatio: 4.5,
      screenReaderMode: kept.reader === true,
      scrollback: 5000,
      theme: THEMES[theme],
    });
    this.#fit = this.#load(FitAddon);
    this.#search = this.#load(SearchAddon);
    this.#load(WebLinksAddon);
    if (this.#load(Unicode11Addon) !== null) this.#term.unicode.activeVersion = "11";
    this.#term.open(this.#parts.screen);
    this.#wire();
    this.#observer = new ResizeObserver(() => this.fit());
    this.#observer.observe(this.#parts.screen);
    this.fit();
    this.start();
  }

  /** The xterm.js terminal. */
  get term() {
    return this.#term;
  }

  /** Opens a new session, or goes on with the former one where the server still has it. */
  start() {
    const { url, ticket, onState } = this.#options;
    this.#parts.again.hidden = true;
    this.#session = connect({
      url, ticket, term: this.#term,
      onState: (state) => {
        this.#show(state);
        onState?.(state);
      },
      onLatency: (ms) => this.#latency(ms),
      onWatchers: (count) => {
        this.#parts.watchers.textContent = count === 0 ? "" : this.#words.watchers(count);
      },
      onPrompt: (question) => this.#asked(ask, question),
      onHostKey: (question) => this.#asked(trust, question),
    });
  }

  /** Fits columns and rows to the room there is. Observers keep the size of the owner. */
  fit() {
    if (this.#options.readOnly !== true && this.#parts.screen.clientWidth > 0) this.#fit.fit();
  }

  focus() {
    this.#term.focus();
  }

  /** Types text, as a paste: the shell can tell it from keys. */
  paste(text) {
    this.#term.paste(text);
  }

  /** Ends the session and takes the terminal away. */
  dispose() {
    this.#session?.close();
    this.#remove();
  }

  /** Takes the terminal away and leaves the session running. */
  detach() {
    this.#session?.detach();
    this.#remove();
  }

  #remove() {
    this.#observer.disconnect();
    this.#term.dispose();
    this.#options.root.replaceChildren();
  }

  #load(Addon) {
    if (Addon === undefined) return null;
    const addon = new Addon();
    this.#term.loadAddon(addon);
    return addon;
  }

  #build(root) {
    const words = this.#words;
    const button = (label, name, sign) => element("button", { type: "button", "aria-label": label, title: label, class: `ws-${name}` }, sign);
    const parts = {
      light: element("span", { class: "ws-light", "data-state": "connecting", "aria-hidden": "true" }),
      title: element("strong", { class: "ws-title" }, words.terminal),
      status: element("span", { class: "ws-status", role: "status" }, words.connecting),
      watchers: element("span", { class: "ws-watchers" }),
      latency: element("span", { class: "ws-latency" }),
      size: element("span", { class: "ws-size" }),
      find: button(words.search, "find", icon("search")),
      smaller: button(words.smaller, "smaller", "A−"),
      larger: button(words.larger, "larger", "A+"),
      theme: button(words.theme, "theme", icon("theme")),
      again: element("button", { type: "button", class: "ws-again", hidden: "" }, words.again),
      needle: element("input", { type: "search", "aria-label": words.searchFor, placeholder: words.searchFor }),
      previous: button(words.previous, "previous", icon("up")),
      next: button(words.next, "next", icon("down")),
      shut: button(words.close, "shut", icon("close")),
      screen: element("div", { class: "ws-screen" }),
      keys: element("div", { class: "ws-keys", role: "toolbar", "aria-label": words.keys }),
    };
    parts.bar = element("form", { class: "ws-search", role: "search", hidden: "" }, parts.needle, parts.previous, parts.next, parts.shut);
    const head = element("header", { class: "ws-head" }, parts.light, parts.title, parts.status, parts.watchers,
      parts.latency, parts.size, parts.find, parts.smaller, parts.larger, parts.theme, parts.again);
    root.classList.add("ws-terminal");
    root.replaceChildren(head, parts.bar, parts.screen, parts.keys);
    return parts;
  }

  #wire() {
    const { again, find, smaller, larger, theme, bar, needle, previous, next, shut, size, screen } = this.#parts;
    const term = this.#term;
    again.addEventListener("click", () => {
      term.reset();
      this.start();
      this.focus();
    });
    find.hidden = this.#search === null;
    find.addEventListener("click", () => this.#openSearch());
    smaller.addEventListener("click", () => this.#resizeFont(-1));
    larger.addEventListener("click", () => this.#resizeFont(1));
    theme.addEventListener("click", () => this.#nextTheme());
    bar.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search?.findNext(needle.value);
    });
    needle.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#closeSearch();
      if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        this.#search?.findPrevious(needle.value);
      }
    });
    previous.addEventListener("click", () => this.#search?.findPrevious(needle.value));
    next.addEventListener("click", () => this.#search?.findNext(needle.value));
    shut.addEventListener("click", () => this.#closeSearch());
    const showSize = () => { size.textContent = `${term.cols} × ${term.rows}`; };
    term.onResize(showSize);
    showSize();
    term.onTitleChange((title) => this.#title(title));
    term.onBell(() => this.#bell());
    const row = this.#options.readOnly === true ? null : new KeyRow(this.#parts.keys, term);
    term.attachCustomKeyEventHandler((event) => !row?.take(event) && this.#shortcut(event));
    this.#wireFiles(screen);
  }

  /** Ctrl+Shift+C copies, Ctrl+Shift+V pastes, Ctrl+Shift+F searches; the shell sees none of them. */
  #shortcut(event) {
    const ours = event.ctrlKey && event.shiftKey && !event.altKey && ["KeyC", "KeyV", "KeyF"].includes(event.code);
    if (!ours) return true;
    event.preventDefault();
    if (event.type !== "keydown") return false;
    if (event.code === "KeyC") this.#copy();
    if (event.code === "KeyV") this.#pasteFromClipboard();
    if (event.code === "KeyF") this.#openSearch();
    return false;
  }

  async #copy() {
    const text = this.#term.getSelection();
    if (text === "") return;
    try {
      await navigator.clipboard.writeText(text);
      this.#say(this.#words.copied);
    } catch (error) {
      this.#say(error.message);
    }
  }

  async #pasteFromClipboard() {
    try {
      this.paste(await navigator.clipboard.readText());
    } catch (error) {
      this.#say(error.message);
    }
  }

  #wireFiles(screen) {
    const { onFiles } = this.#options;
    if (onFiles === undefined) return;
    screen.dataset.drop = this.#words.drop;
    const over = (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      screen.classList.toggle("ws-over", event.type !== "dragleave" && event.type !== "drop");
      if (event.type === "drop") onFiles([...event.dataTransfer.files]);
    };
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) screen.addEventListener(type, over);
  }

  #openSearch() {
    if (this.#search === null) return;
    this.#parts.bar.hidden = false;
    this.#parts.needle.focus();
    this.#parts.needle.select();
  }

  #closeSearch() {
    this.#search?.clearDecorations();
    this.#parts.bar.hidden = true;
    this.focus();
  }

  #resizeFont(step) {
    const at = FONT_SIZES.indexOf(this.#term.options.fontSize);
    const size = FONT_SIZES[Math.min(FONT_SIZES.length - 1, Math.max(0, at + step))];
    this.#term.options.fontSize = size;
    store({ size });
    this.fit();
    this.focus();
  }

  #nextTheme() {
    const names = Object.keys(THEMES);
    const now = names.findIndex((name) => THEMES[name].background === this.#term.options.theme.background);
    const name = names[(now + 1) % names.length];
    this.#term.options.theme = THEMES[name];
    this.#options.root.dataset.theme = name;
    store({ theme: name });
    this.focus();
  }

  #title(title) {
    // A title comes from the far end: no control characters, and not without end.
    const plain = title.replace(/\p{Cc}/gu, "").slice(0, 120);
    this.#parts.title.textContent = plain === "" ? this.#words.terminal : plain;
    this.#options.onTitle?.(plain);
  }

  #bell() {
    const { root } = this.#options;
    root.classList.remove("ws-bell");
    // The same animation again needs a fresh start.
    requestAnimationFrame(() => root.classList.add("ws-bell"));
  }

  #latency(ms) {
    this.#parts.latency.textContent = this.#words.latency(ms);
    this.#parts.latency.dataset.level = ms < 150 ? "good" : ms < 400 ? "fair" : "poor";
  }

  /** Puts a question of the login to the person. */
  async #asked(put, question) {
    const answer = await put(this.#options.root, this.#words, question);
    this.focus();
    return answer;
  }

  #say(text) {
    this.#parts.status.textContent = text;
  }

  #show(state) {
    const words = this.#words;
    const { light, again, latency } = this.#parts;
    light.dataset.state = state.name;
    this.#options.root.dataset.state = state.name;
    again.hidden = state.name !== "closed";
    if (state.name !== "open") latency.textContent = "";
    this.#say(this.#phrase(state, words));
  }

  #phrase(state, words) {
    if (state.name === "connecting") return words.connecting;
    if (state.name === "cut") return words.cut;
    if (state.name === "open" && state.text === undefined) {
      return state.role === "observer" ? words.observer : state.resumed ? words.resumed : words.open;
    }
    if (state.reason === "exit") return words.exit(state.status);
    return words.failures[state.code] ?? state.text;
  }
}

/** What the person chose before. A browser that keeps nothing is as good. */
function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

function store(change) {
  try {
    localStorage.setItem(STORE, JSON.stringify({ ...stored(), ...change }));
  } catch {
    // Private windows may refuse; the choice then holds for this page.
  }
}
