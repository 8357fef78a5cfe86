// The lab page: the learner's terminals as tabs, one or two of them on show.

import { TerminalView } from "/assets/webssh/terminal.js";
import { FilePanel } from "/assets/lab_files.js";
import { call, element, pageTheme, socketUrl, xterm } from "/assets/lab_xterm.js";

const root = document.querySelector("#lab");
const { slug, lang } = root.dataset;
const words = JSON.parse(root.dataset.words);
const list = document.querySelector("#tabs");
const panels = document.querySelector("#panels");
const empty = document.querySelector("#lab-empty");
const split = document.querySelector("#split");
const note = document.querySelector("#lab-note");
const recordings = document.querySelector(".lab-recordings");
const exercises = [...document.querySelectorAll("[data-exercise]")];
const api = `/api/v1/lab/${slug}`;
/** The pause between two looks for a new recording. */
const LOOK_MS = 700;

const files = new FilePanel(document.querySelector(".lab-files"), slug, words);

/** Every terminal of this page: its name for the server, its exercise, its tab, its panel and, once shown, its view. */
const tabs = [];
/** Those on show, left to right: none, one, or two side by side. */
let shown = [];
/** The one that is worked in. */
let active = null;

function say(text) {
  note.textContent = text;
}

/** A name that no other tab has, on any device. */
function newName() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The title of an exercise; the second terminal of the same one is told apart by a number. */
function titled(exercise, title) {
  const numbers = tabs.filter((tab) => tab.exercise === exercise).map((tab) => tab.number);
  const number = 1 + Math.max(0, ...numbers);
  return { number, label: number === 1 ? title : `${title} ${number}` };
}

function add({ tab: name, exercise, title }) {
  const { number, label } = titled(exercise, title);
  const dot = element("i", { class: "lab-dot", "data-state": "connecting", "aria-hidden": "true" });
  const button = element("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}` }, dot, label);
  const close = element("button", { type: "button", class: "lab-close", "aria-label": `${words.close}: ${label}`, title: words.close }, "×");
  const item = element("span", { class: "lab-tab", role: "presentation" }, button, close);
  const panel = element("div", { role: "tabpanel", id: `panel-${name}`, class: "lab-panel", "aria-labelledby": `tab-${name}`, hidden: "" });
  const tab = { name, exercise, number, item, button, dot, panel, view: null };
  button.addEventListener("click", () => show(tab));
  button.addEventListener("keydown", (event) => walk(event, tab));
  close.addEventListener("click", () => remove(tab));
  panel.addEventListener("focusin", () => mark(tab));
  list.append(item);
  panels.append(panel);
  tabs.push(tab);
  return tab;
}

/** The view of a tab is made when it is first shown: until then another page may have its terminal. */
function open(tab) {
  if (tab.view !== null) return;
  const host = element("div", { class: "lab-terminal" });
  tab.panel.append(host);
  tab.view = new TerminalView({
    root: host, xterm, language: lang, theme: pageTheme(),
    url: socketUrl(`${api}/terminal`),
    ticket: async () => (await call("POST", `${api}/ticket`, { exercise: tab.exercise, tab: tab.name })).ticket,
    onFiles: (dropped) => files.upload(dropped),
    onState: (state) => {
      tab.dot.dataset.state = state.name;
      if (state.name === "closed") listRecordings();
    },
  });
  // For whoever looks into the page: the terminal and what it holds.
  host.view = tab.view;
}

/** Puts a tab on show, in place of the one that is worked in. */
function show(tab) {
  if (!shown.includes(tab)) {
    const place = Math.max(0, shown.indexOf(active));
    shown[place] = tab;
  }
  arrange();
  mark(tab);
  tab.view.focus();
}

function arrange() {
  for (const tab of tabs) {
    const place = shown.indexOf(tab);
    tab.panel.hidden = place === -1;
    tab.panel.dataset.place = String(place);
  }
  panels.dataset.count = String(shown.length);
  panels.hidden = shown.length === 0;
  empty.hidden = shown.length !== 0;
  split.disabled = shown.length === 0;
  split.setAttribute("aria-pressed", String(shown.length === 2));
  for (const tab of shown) {
    open(tab);
    tab.view.fit();
  }
}

/** Says which terminal is worked in: its tab is the one that the Tab key reaches, its exercise is explained. */
function mark(tab) {
  active = tab;
  for (const other of tabs) {
    other.button.setAttribute("aria-selected", String(other === tab));
    other.button.tabIndex = other === tab ? 0 : -1;
    other.item.classList.toggle("on", shown.includes(other));
  }
  tab?.item.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const exercise of exercises) {
    const on = exercise.dataset.exercise === tab?.exercise;
    exercise.toggleAttribute("data-on", on);
    exercise.querySelector("button").setAttribute("aria-current", String(on));
  }
}

/** Arrows, Home and End walk along the tabs; Delete ends a terminal. */
function walk(event, tab) {
  const at = tabs.indexOf(tab);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (event.key === "Delete") remove(tab);
  if (to === undefined) return;
  event.preventDefault();
  const next = tabs[(to + tabs.length) % tabs.length];
  show(next);
  next.button.focus();
}

async function remove(tab) {
  // One that was never shown has no connection to say it by.
  if (tab.view === null) await endUnseen(tab);
  tab.view?.dispose();
  const at = tabs.indexOf(tab);
  tabs.splice(at, 1);
  tab.item.remove();
  tab.panel.remove();
  shown = shown.filter((other) => other !== tab);
  if (shown.length === 0 && tabs.length > 0) shown = [tabs[Math.min(at, tabs.length - 1)]];
  arrange();
  mark(shown[0] ?? null);
  if (active === null) empty.querySelector("button").focus();
  else active.view.focus();
}

async function endUnseen(tab) {
  try {
    const { terminals } = await call("GET", `${api}/terminals`);
    const there = terminals.find((terminal) => terminal.tab === tab.name);
    if (there !== undefined) await call("DELETE", `/api/v1/lab/terminals/${there.id}`);
  } catch (error) {
    say(error.message);
  }
}

function start(exercise) {
  const chosen = exercises.find((it) => it.dataset.exercise === exercise) ?? exercises[0];
  show(add({ tab: newName(), exercise: chosen.dataset.exercise, title: chosen.dataset.title }));
}

/** Goes to the terminal of an exercise; one that has none yet gets one. */
function pick(exercise) {
  const there = tabs.find((tab) => tab.exercise === exercise);
  if (there === undefined) start(exercise);
  else show(there);
}

function toggleSplit() {
  if (shown.length === 2) {
    shown = [active];
  } else {
    const { title } = exercises.find((it) => it.dataset.exercise === active.exercise).dataset;
    const other = tabs.find((tab) => tab !== active) ?? add({ tab: newName(), exercise: active.exercise, title });
    shown = [active, other];
  }
  arrange();
  mark(active);
  active.view.focus();
}

/** A terminal that has ended leaves a recording, as soon as its last bytes are on the disk: so it is looked for a few times. */
async function listRecordings(looks = 4) {
  const shelf = recordings.querySelector("ul");
  const [before] = shelf.querySelectorAll("a");
  try {
    const { recordings: all } = await call("GET", `${api}/recordings`);
    const lines = all.map(({ id, title, started }) => element("li", {},
      element("a", { href: `/lab/${slug}/recordings/${id}` }, title), element("span", { class: "soft small num" }, started)));
    const newest = all.length === 0 ? undefined : `/lab/${slug}/recordings/${all[0].id}`;
    if (newest === before?.getAttribute("href")) {
      if (looks > 1) setTimeout(() => listRecordings(looks - 1), LOOK_MS);
      return;
    }
    shelf.replaceChildren(...lines);
    recordings.querySelector("p").hidden = lines.length > 0;
  } catch (error) {
    say(error.message);
  }
}

for (const exercise of exercises) {
  exercise.querySelector("button").addEventListener("click", () => pick(exercise.dataset.exercise));
}
document.querySelector("#new").addEventListener("click", () => start(active?.exercise));
empty.querySelector("button").addEventListener("click", () => start());
split.addEventListener("click", toggleSplit);

try {
  const { terminals } = await call("GET", `${api}/terminals`);
  for (const terminal of terminals) add(terminal);
} catch (error) {
  say(error.message);
}
if (tabs.length === 0) start();
else show(tabs[0]);
await files.refresh();
root.dataset.ready = "true";
