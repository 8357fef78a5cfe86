// The teacher's desk: the open terminals, looked at again every few seconds.

import { call, element } from "/assets/lab_xterm.js";

const EVERY_MS = 3000;
const desk = document.querySelector("#desk");
const rows = desk.querySelector("tbody");
const note = document.querySelector("#lab-note");
const words = JSON.parse(desk.dataset.words);

function age(secs) {
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(secs / 3600)}:${two(Math.floor(secs / 60) % 60)}:${two(secs % 60)}`;
}

function row(terminal) {
  const end = element("button", { type: "button", class: "btn mini ghost", "aria-label": `${words.end}: ${terminal.learner}` }, words.end);
  end.addEventListener("click", async () => {
    end.disabled = true;
    await attempt(() => call("DELETE", `/api/v1/lab/terminals/${terminal.id}`));
    await refresh();
  });
  const watch = element("a", { class: "btn mini", href: `/lab/desk/${terminal.id}` }, words.watch);
  const state = element("td", {}, element("i", { class: "lab-dot", "data-state": terminal.attached ? "open" : "connecting" }),
    terminal.attached ? words.attached : words.detached);
  return element("tr", { "data-terminal": terminal.id },
    element("td", {}, terminal.learner), element("td", {}, terminal.course), element("td", {}, terminal.title),
    element("td", { class: "num" }, age(terminal.secs)), state,
    element("td", { class: "num" }, String(terminal.watchers)), element("td", { class: "lab-ends" }, watch, end));
}

/** Does something that may fail, and says so if it does. */
async function attempt(act) {
  try {
    const done = await act();
    note.textContent = "";
    return done;
  } catch (error) {
    note.textContent = `${words.failed}: ${error.message}`;
    return null;
  }
}

async function refresh() {
  const found = await attempt(() => call("GET", "/api/v1/lab/terminals"));
  if (found === null) return;
  // Whoever is at a button must not have it taken away under the finger.
  if (rows.contains(document.activeElement) && rows.children.length === found.terminals.length) return;
  const made = found.terminals.map(row);
  const none = element("tr", {}, element("td", { colspan: "7", class: "soft" }, words.nobody));
  rows.replaceChildren(...(made.length === 0 ? [none] : made));
}

await refresh();
setInterval(() => { if (document.visibilityState === "visible") refresh(); }, EVERY_MS);
