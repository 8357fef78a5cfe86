// What every page of the lab with a terminal needs: xterm.js with its addons, and the colours that the page has.

import { Terminal } from "/assets/vendor/xterm.mjs";
import { FitAddon } from "/assets/vendor/addon-fit.mjs";
import { SearchAddon } from "/assets/vendor/addon-search.mjs";
import { WebLinksAddon } from "/assets/vendor/addon-web-links.mjs";
import { Unicode11Addon } from "/assets/vendor/addon-unicode11.mjs";

export const xterm = { Terminal, FitAddon, SearchAddon, WebLinksAddon, Unicode11Addon };

/** The colours of the page: what the visitor chose, or what their system is set to. */
export function pageTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** The address of a WebSocket of this site. */
export function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** Calls the site's API; a refusal becomes an error with the words of the site. */
export async function call(method, path, body) {
  const init = { method };
  if (body !== undefined) {
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const reply = await fetch(path, init);
  if (reply.status === 204) return null;
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.detail);
  return answer;
}

/** Makes an element. */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
