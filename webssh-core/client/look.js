/** What `terminal.js` is made of: colours, signs, elements. */

/** Colours by name; each is an xterm.js theme. */
export const THEMES = {
  dark: {
    scrollbarSliderBackground: "#8fa1ab55", scrollbarSliderHoverBackground: "#8fa1ab88", scrollbarSliderActiveBackground: "#8fa1abbb",
    background: "#10151a", foreground: "#d7e0e4", cursor: "#7fd1ae", selectionBackground: "#2f4a55",
    black: "#1c242b", red: "#ef7d7d", green: "#8fd19e", yellow: "#e6c384", blue: "#7fb4ef", magenta: "#c9a0ef",
    cyan: "#79d0d6", white: "#d7e0e4", brightBlack: "#66767f", brightRed: "#ff9d9d", brightGreen: "#aee9bb",
    brightYellow: "#f5dba5", brightBlue: "#a5cdfb", brightMagenta: "#dfc1fb", brightCyan: "#a1e8ed", brightWhite: "#f6fafb",
  },
  light: {
    scrollbarSliderBackground: "#5c6b7444", scrollbarSliderHoverBackground: "#5c6b7477", scrollbarSliderActiveBackground: "#5c6b74aa",
    background: "#fbfcfc", foreground: "#22303a", cursor: "#0b7a55", selectionBackground: "#c9e3da",
    black: "#22303a", red: "#b3261e", green: "#17703a", yellow: "#8a5a00", blue: "#1a56b0", magenta: "#7a3da8",
    cyan: "#08727a", white: "#5c6b74", brightBlack: "#5c6b74", brightRed: "#c73a31", brightGreen: "#1f8749",
    brightYellow: "#9c6a0a", brightBlue: "#2b69c9", brightMagenta: "#8f50bf", brightCyan: "#0f858e", brightWhite: "#22303a",
  },
  contrast: {
    scrollbarSliderBackground: "#ffffff88", scrollbarSliderHoverBackground: "#ffffffbb", scrollbarSliderActiveBackground: "#ffffff",
    background: "#000000", foreground: "#ffffff", cursor: "#ffff00", cursorAccent: "#000000", selectionBackground: "#0050a0",
  },
};

/** Signs of the buttons, drawn in a box of 24 by 24. */
const ICONS = {
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2 21 21",
  theme: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 8h6.5M12 12h8.9M12 16h6.5",
  up: "M6 15l6-6 6 6", down: "M6 9l6 6 6-6", close: "M6 6l12 12M18 6 6 18",
};

/** A sign, to be put into a button that has a name. */
export function icon(name) {
  const [drawing, line] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  line.setAttribute("d", ICONS[name]);
  drawing.append(line);
  return drawing;
}

/** Makes an element. */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
