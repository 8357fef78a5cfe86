// The lab page: an xterm.js terminal, wired to the school's WebSocket by the webssh client.

import { Terminal } from "/assets/vendor/xterm.mjs";
import { FitAddon } from "/assets/vendor/addon-fit.mjs";
import { WebLinksAddon } from "/assets/vendor/addon-web-links.mjs";
import { Unicode11Addon } from "/assets/vendor/addon-unicode11.mjs";
import { connect } from "/assets/webssh.js";

const screen = document.querySelector("#screen");
const light = document.querySelector("#light");
const status = document.querySelector("#status");
const size = document.querySelector("#size");
const again = document.querySelector("#again");

const term = new Terminal({
  allowProposedApi: true,
  cursorBlink: true,
  fontFamily: '"JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", "WenQuanYi Micro Hei Mono", monospace',
  fontSize: 15,
  lineHeight: 1.15,
  scrollback: 5000,
  theme: { background: "#10151a", foreground: "#d7e0e4", cursor: "#7fd1ae", selectionBackground: "#2f4a55" },
});
const fit = new FitAddon();
term.loadAddon(fit);
term.loadAddon(new WebLinksAddon());
term.loadAddon(new Unicode11Addon());
term.unicode.activeVersion = "11";
term.open(screen);
fit.fit();
new ResizeObserver(() => fit.fit()).observe(screen);

const showSize = () => { size.textContent = `${term.cols} × ${term.rows}`; };
term.onResize(showSize);
showSize();

/** A state in words for a person. */
function words({ name, reason, status: code, text }) {
  if (reason === "exit") return `the shell ended with status ${code}`;
  return text ? `${name}: ${text}` : name;
}

function start() {
  again.hidden = true;
  const url = new URL(`/api/v1/lab/${screen.dataset.slug}/terminal`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  connect({
    url: url.href,
    term,
    onState(state) {
      light.dataset.state = state.name;
      status.textContent = words(state);
      again.hidden = state.name !== "closed";
    },
  });
  term.focus();
}
again.addEventListener("click", () => { term.reset(); start(); });
start();
