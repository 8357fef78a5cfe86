// The matrix: a grid for mouse and keyboard. Edits are collected here and go to the server as one list of changes, which
// shows what they come to before anything is saved.

const grid = document.querySelector("#matrix");
const bar = document.querySelector("#matrix-save");
const edits = new Map();
const marks = { allow: "direct", deny: "denied", "": "nothing" };

const rows = () => [...grid.querySelectorAll("tr[data-permission]")].filter((row) => !row.hidden);
const cells = (row) => [...row.querySelectorAll(".cell")];

function setting(cell) {
  return edits.get(cell)?.to ?? cell.dataset.own;
}

function edit(cell, to) {
  if (grid.dataset.editable !== "true") return;
  const mark = cell.querySelector(".mark");
  if (to === cell.dataset.own) edits.delete(cell);
  else edits.set(cell, { to });
  cell.classList.toggle("edited", edits.has(cell));
  mark.className = `mark ${edits.has(cell) ? marks[to] : cell.dataset.state}`;
  show();
}

function turn(cell) {
  const next = { "": "allow", allow: "deny", deny: "" };
  edit(cell, next[setting(cell)]);
}

function changes() {
  return [...edits].map(([cell, { to }]) => ({
    kind: to === "" ? "revoke" : to,
    role: cell.dataset.role,
    pattern: cell.closest("tr").dataset.permission,
  }));
}

function show() {
  boxes();
  if (!bar) return;
  const list = changes();
  bar.hidden = list.length === 0;
  bar.querySelector("[data-count]").textContent = list.length;
  bar.elements.changes.value = JSON.stringify(list);
  const words = { allow: grid.dataset.allow, deny: grid.dataset.deny, revoke: grid.dataset.clear };
  bar.querySelector("[data-list]").replaceChildren(...list.map((change) => {
    const item = document.createElement("li");
    item.textContent = `${change.role}: ${words[change.kind]} ${change.pattern}`;
    return item;
  }));
}

// The box of a group and a role: full, empty, or some of it. A click fills it, or empties it when it is full.
function boxes() {
  for (const box of grid.querySelectorAll("td[data-box]")) {
    const own = column(box);
    const on = own.filter((cell) => (edits.has(cell) ? setting(cell) === "allow" : gives(cell))).length;
    const state = on === 0 ? "nothing" : on === own.length ? "direct" : "some";
    const mark = box.querySelector(".mark") ?? box.appendChild(document.createElement("span"));
    mark.className = `mark ${state}`;
    mark.setAttribute("aria-hidden", "true");
    box.setAttribute("aria-checked", { nothing: "false", direct: "true", some: "mixed" }[state]);
  }
}

const gives = (cell) => ["direct", "wildcard", "inherited"].includes(cell.dataset.state);

function column(box) {
  const all = box.closest("tbody").querySelectorAll(".cell");
  return [...all].filter((cell) => cell.dataset.role === box.dataset.box);
}

function fill(box) {
  const own = column(box);
  const full = own.every((cell) => setting(cell) === "allow" || (!edits.has(cell) && gives(cell)));
  for (const cell of own) {
    if (full) edit(cell, setting(cell) === "deny" ? "deny" : "");
    else if (!gives(cell) || edits.has(cell)) edit(cell, "allow");
  }
}

function focus(cell) {
  for (const other of grid.querySelectorAll(".cell[tabindex='0']")) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}

function move(cell, down, across) {
  const all = rows();
  const row = all.indexOf(cell.closest("tr"));
  const at = cells(all[row]).indexOf(cell);
  const target = all[Math.min(Math.max(row + down, 0), all.length - 1)];
  const line = cells(target);
  focus(line[Math.min(Math.max(at + across, 0), line.length - 1)]);
}

const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e6], End: [0, 1e6], PageUp: [-10, 0], PageDown: [10, 0] };

grid.addEventListener("keydown", (event) => {
  const cell = event.target.closest(".cell");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  if (steps[event.key]) move(cell, ...steps[event.key]);
  else if (event.key === " " || event.key === "Enter") turn(cell);
  else if (event.key === "Escape" || event.key === "Delete") edit(cell, event.key === "Escape" ? cell.dataset.own : "");
  else return;
  event.preventDefault();
});

grid.addEventListener("click", (event) => {
  const fold = event.target.closest("[data-fold]");
  if (fold) {
    const open = fold.getAttribute("aria-expanded") === "true";
    fold.setAttribute("aria-expanded", String(!open));
    filter();
    return;
  }
  const cell = event.target.closest(".cell");
  if (cell) {
    focus(cell);
    turn(cell);
  }
  const box = event.target.closest("td[data-box]");
  if (box && grid.dataset.editable === "true") fill(box);
});

const search = document.querySelector("#matrix-filter");

function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const group of grid.tBodies) {
    const open = group.querySelector("[data-fold]").getAttribute("aria-expanded") === "true";
    let found = 0;
    for (const row of group.querySelectorAll("tr[data-permission]")) {
      const text = row.querySelector("th").textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      found += fits ? 1 : 0;
      row.hidden = !fits || !open;
    }
    group.hidden = found === 0;
  }
}

search.hidden = false;
search.addEventListener("input", filter);

bar?.querySelector("[data-discard]").addEventListener("click", () => {
  for (const cell of [...edits.keys()]) edit(cell, cell.dataset.own);
});

// What is not saved is not lost by a slip; sending it is no slip.
let sending = false;
bar?.addEventListener("submit", () => { sending = true; });
addEventListener("beforeunload", (event) => { if (edits.size > 0 && !sending) event.preventDefault(); });

const first = grid.querySelector(".cell");
if (first) first.tabIndex = 0;
show();
