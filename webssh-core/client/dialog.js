/** The questions of a login, put to the person in a dialogue of the page. */

import { element } from "./look.js";

/**
 * Asks what the server wants to know, and gives back the answers, or null.
 *
 * @param {HTMLElement} root Where the dialogue goes.
 * @param {object} words
 * @param {{ name: string, instruction: string, prompts: { text: string, echo: boolean }[] }} question
 * @returns {Promise<string[] | null>}
 */
export async function ask(root, words, { name, instruction, prompts }) {
  const inputs = prompts.map(({ text, echo }) => {
    const input = element("input", { type: echo ? "text" : "password", autocomplete: "off", spellcheck: "false" });
    return { input, label: element("label", {}, text, input) };
  });
  const body = [element("h2", {}, name || words.terminal), element("p", {}, instruction), ...inputs.map(({ label }) => label)];
  const agreed = await dialog(root, body, words.answer, words.cancel);
  return agreed ? inputs.map(({ input }) => input.value) : null;
}

/**
 * Asks whether an unknown server is to be trusted.
 *
 * @param {HTMLElement} root Where the dialogue goes.
 * @param {object} words
 * @param {{ host: string, algorithm: string, fingerprint: string }} question
 * @returns {Promise<boolean>}
 */
export function trust(root, words, { host, algorithm, fingerprint }) {
  const key = element("dd", {}, `${algorithm} `, element("code", {}, fingerprint));
  const body = [
    element("h2", {}, words.trust), element("p", {}, words.trustWhy), element("dl", {}, element("dt", {}, host), key),
  ];
  return dialog(root, body, words.yes, words.no);
}

/** Whether the person agreed. Closing the dialogue any other way is a no. */
function dialog(root, body, yes, no) {
  // The first button answers Enter, so it is the yes.
  const buttons = element("menu", {},
    element("button", { type: "submit", value: "yes" }, yes),
    element("button", { type: "submit", value: "no", formnovalidate: "" }, no));
  const made = element("dialog", { class: "ws-dialog" }, element("form", { method: "dialog" }, ...body, buttons));
  root.append(made);
  return new Promise((resolve) => {
    made.addEventListener("close", () => {
      resolve(made.returnValue === "yes");
      made.remove();
    });
    made.showModal();
    made.querySelector("input")?.focus();
  });
}
