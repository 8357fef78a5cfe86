// The player of recordings: asciicast 2 and 3, with pause, speed, a slider and a way over pauses.

import { THEMES } from "/assets/webssh/terminal.js";
import { pageTheme, xterm } from "/assets/lab_xterm.js";

/** What is left of a pause that is skipped, in seconds. */
const PAUSE_SECS = 0.6;
/** Letters are as small as it takes for a whole line to be seen, within these sizes in pixels. */
const FONT_SIZE_MIN = 8, FONT_SIZE_MAX = 14;
/** The width of a letter as a part of its size. */
const LETTER_WIDTH = 0.602;

const root = document.querySelector("#replay");
const words = JSON.parse(root.dataset.words);
const at = (id) => root.querySelector(`#${id}`);
const [play, slider, clock, speed, skip, note] = ["play", "slider", "clock", "speed", "skip", "replay-note"].map(at);

/** Reads a recording: its size, and its events with times since the start in seconds. */
function parse(text) {
  const [first, ...lines] = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const header = JSON.parse(first);
  const size = header.version === 3 ? header.term : { cols: header.width, rows: header.height };
  let now = 0;
  const events = lines.map((line) => {
    const [time, code, data] = JSON.parse(line);
    now = header.version === 3 ? now + time : time;
    return { time: now, code, data };
  });
  return { size, events };
}

/** The same events with no pause longer than that. */
function squeezed(events, pause) {
  let last = 0, now = 0;
  return events.map((event) => {
    now += Math.min(event.time - last, pause);
    last = event.time;
    return { ...event, time: now };
  });
}

class Player {
  #recording;
  #events;
  #term;
  /** The events before it are on the screen. */
  #next = 0;
  #position = 0;
  #frame = 0;
  #last = 0;

  constructor(recording, term) {
    this.#recording = recording;
    this.#term = term;
    this.skip(skip.checked);
  }

  get playing() {
    return this.#frame !== 0;
  }

  get duration() {
    return this.#events.at(-1)?.time ?? 0;
  }

  skip(pauses) {
    // The same event is next, whenever it happens now.
    const next = this.#next;
    this.#events = squeezed(this.#recording.events, pauses ? PAUSE_SECS : Infinity);
    slider.max = String(this.duration);
    slider.step = "0.01";
    this.#position = this.#events[next - 1]?.time ?? 0;
    this.#tell();
  }

  /** Shows the moment. Going back begins anew: a terminal cannot unwrite. */
  seek(position) {
    if (position < this.#position) {
      this.#term.reset();
      this.#term.resize(this.#recording.size.cols, this.#recording.size.rows);
      this.#next = 0;
    }
    this.#position = Math.min(position, this.duration);
    let output = "";
    while (this.#next < this.#events.length && this.#events[this.#next].time <= this.#position) {
      const { code, data } = this.#events[this.#next];
      this.#next += 1;
      if (code === "o") output += data;
      if (code === "r") {
        this.#term.write(output);
        output = "";
        this.#resize(data);
      }
    }
    if (output !== "") this.#term.write(output);
    this.#tell();
  }

  #resize(size) {
    const [cols, rows] = size.split("x").map(Number);
    // In line behind what is still to be parsed.
    this.#term.write("", () => {
      this.#term.options.fontSize = fontSize(cols);
      this.#term.resize(cols, rows);
    });
  }

  toggle() {
    if (this.playing) {
      this.pause();
      return;
    }
    if (this.#position >= this.duration) this.seek(-1);
    this.#last = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#step(now));
    this.#tell();
  }

  pause() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#tell();
  }

  #step(now) {
    this.seek(this.#position + ((now - this.#last) / 1000) * Number(speed.value));
    this.#last = now;
    if (this.#position >= this.duration) {
      this.pause();
    } else {
      this.#frame = requestAnimationFrame((later) => this.#step(later));
    }
  }

  #tell() {
    const minutes = (secs) => `${Math.floor(secs / 60)}:${String(Math.floor(secs % 60)).padStart(2, "0")}`;
    this.#position = Math.max(0, this.#position);
    slider.value = String(this.#position);
    slider.setAttribute("aria-valuetext", minutes(this.#position));
    clock.textContent = `${minutes(this.#position)} / ${minutes(this.duration)}`;
    play.textContent = this.playing ? words.pause : words.play;
    root.dataset.state = this.playing ? "playing" : this.#position >= this.duration ? "over" : "paused";
  }
}

function fontSize(cols) {
  const room = at("replay-screen").clientWidth - 40;
  return Math.min(FONT_SIZE_MAX, Math.max(FONT_SIZE_MIN, Math.floor(room / (cols * LETTER_WIDTH))));
}

async function open() {
  const reply = await fetch(root.dataset.cast);
  if (!reply.ok) throw new Error((await reply.json()).detail);
  const recording = parse(await reply.text());
  const theme = pageTheme();
  const { cols, rows } = recording.size;
  const term = new xterm.Terminal({
    allowProposedApi: true, disableStdin: true, cols, rows, scrollback: 5000, lineHeight: 1.15, minimumContrastRatio: 4.5,
    fontSize: fontSize(cols), theme: THEMES[theme],
    fontFamily: '"JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", "WenQuanYi Micro Hei Mono", monospace',
  });
  term.loadAddon(new xterm.Unicode11Addon());
  term.unicode.activeVersion = "11";
  term.open(at("replay-screen"));
  const player = new Player(recording, term);
  play.addEventListener("click", () => player.toggle());
  slider.addEventListener("input", () => player.seek(Number(slider.value)));
  skip.addEventListener("change", () => player.skip(skip.checked));
  root.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.matches("button, input, select, a")) return;
    event.preventDefault();
    player.toggle();
  });
  player.toggle();
}

try {
  await open();
} catch (error) {
  note.textContent = `${words.failed}: ${error.message}`;
}
