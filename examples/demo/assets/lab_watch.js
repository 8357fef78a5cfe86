// The page of somebody who looks on: one terminal, read only.

import { TerminalView } from "/assets/webssh/terminal.js";
import { call, pageTheme, socketUrl, xterm } from "/assets/lab_xterm.js";

const root = document.querySelector("#watch");
const host = root.querySelector(".lab-terminal");
const { id, lang } = root.dataset;

// For whoever looks into the page, as on the learner's.
host.view = new TerminalView({
  root: host, xterm, language: lang, theme: pageTheme(), readOnly: true,
  url: socketUrl("/api/v1/lab/watch"),
  ticket: async () => (await call("POST", `/api/v1/lab/terminals/${id}/watch-ticket`)).ticket,
});
