// The files of the lab: what is in the learner's home, downloads, and uploads by button or by drag and drop.

import { call, element } from "/assets/lab_xterm.js";

const UNITS = ["B", "KB", "MB", "GB"];

function size(bytes) {
  const step = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const number = bytes / 1024 ** step;
  return `${step === 0 || number >= 10 ? Math.round(number) : number.toFixed(1)} ${UNITS[step]}`;
}

/** Sends bytes and tells how far it is. An answer that is no success becomes an error with a code; none at all, one without. */
function put(url, body, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
    request.addEventListener("load", () => {
      const answer = JSON.parse(request.responseText);
      if (request.status === 201) resolve(answer);
      else reject(Object.assign(new Error(answer.detail), { code: answer.code }));
    });
    request.addEventListener("error", () => reject(new Error("")));
    request.send(body);
  });
}

export class FilePanel {
  #root;
  #api;
  #slug;
  #words;
  #list;
  #transfers;
  #bytesMax = Infinity;

  constructor(root, slug, words) {
    this.#root = root;
    this.#api = `/api/v1/lab/${slug}`;
    this.#slug = slug;
    this.#words = words;
    this.#list = root.querySelector("#files");
    this.#transfers = root.querySelector("#transfers");
    const chosen = root.querySelector("input[type=file]");
    chosen.addEventListener("change", () => {
      this.upload([...chosen.files]);
      chosen.value = "";
    });
    root.querySelector("#files-upload").addEventListener("click", () => chosen.click());
    root.querySelector("#files-refresh").addEventListener("click", () => this.refresh());
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") this.refresh(); });
    this.#dropZone();
  }

  /** Asks again what is there. */
  async refresh() {
    try {
      const { files, is_complete, file_bytes_max } = await call("GET", `${this.#api}/files`);
      this.#bytesMax = file_bytes_max;
      const lines = files.map((file) => this.#line(file));
      if (!is_complete) lines.push(element("li", { class: "soft small" }, this.#words.more_files));
      this.#list.replaceChildren(...lines);
      this.#say(lines.length === 0 ? this.#words.no_files : "");
    } catch (error) {
      this.#say(`${this.#words.failed}: ${error.message}`);
    }
    this.#root.dataset.ready = "true";
  }

  /** Brings files into the home, one after the other. */
  async upload(files) {
    for (const file of files) await this.#bring(file, false, this.#transfer(file));
  }

  #say(text) {
    this.#root.querySelector("#files-note").textContent = text;
  }

  #line({ name, shown, is_file, bytes }) {
    if (!is_file) return element("li", {}, element("span", {}, name === null ? shown : `${shown}/`));
    const label = name === null ? element("span", {}, shown)
      : element("a", { href: `${this.#api}/files/${encodeURIComponent(name)}`, download: "", title: `${this.#words.download}: ${shown}` }, shown);
    return element("li", {}, label, element("span", { class: "soft small num" }, size(bytes)));
  }

  #dropZone() {
    const over = (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.#root.toggleAttribute("data-over", event.type === "dragenter" || event.type === "dragover");
      if (event.type === "drop") this.upload([...event.dataTransfer.files]);
    };
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) this.#root.addEventListener(type, over);
  }

  /** The line of an upload. */
  #transfer(file) {
    const bar = element("progress", { max: String(Math.max(1, file.size)), value: "0", "aria-label": file.name });
    const text = element("span", { class: "soft small" });
    const act = element("button", { type: "button", class: "btn mini ghost", hidden: "" });
    const shut = element("button", { type: "button", class: "lab-close", "aria-label": `${this.#words.dismiss}: ${file.name}`, hidden: "" }, "×");
    const item = element("li", { "data-state": "running" }, element("strong", {}, file.name), shut, bar, text, act);
    shut.addEventListener("click", () => item.remove());
    this.#transfers.append(item);
    return { item, bar, text, act, shut };
  }

  async #bring(file, replace, line) {
    line.item.dataset.state = "running";
    line.act.hidden = line.shut.hidden = true;
    line.text.textContent = size(file.size);
    try {
      if (file.size > this.#bytesMax) throw new Error(this.#words.too_large.replace("{}", size(this.#bytesMax)));
      const from = await this.#begin(file);
      const url = `${this.#api}/uploads/${encodeURIComponent(file.name)}?from=${from}&bytes=${file.size}&replace=${replace}`;
      await put(url, file.slice(from), (loaded) => { line.bar.value = from + loaded; });
      this.#mark(file, null);
      line.item.remove();
      await this.refresh();
    } catch (error) {
      this.#stopped(file, replace, line, error);
    }
  }

  /** Where to begin: where an upload of the very same file was cut, else at its start. */
  async #begin(file) {
    const part = `${this.#api}/parts/${encodeURIComponent(file.name)}`;
    const from = this.#marked(file) ? (await call("GET", part)).bytes : 0;
    this.#mark(file, `${file.size}-${file.lastModified}`);
    return Math.min(from, file.size);
  }

  /** Says why an upload has stopped, and offers what helps. */
  #stopped(file, replace, { item, text, act, shut, bar }, error) {
    const words = this.#words;
    const taken = error.code === "exists";
    item.dataset.state = "stopped";
    text.textContent = taken ? words.taken : error.message || words.cut;
    act.textContent = taken ? words.replace : words.go_on;
    act.hidden = file.size > this.#bytesMax;
    shut.hidden = false;
    act.onclick = () => this.#bring(file, taken || replace, { item, text, act, shut, bar });
  }

  /** What a cut upload was, in a browser that keeps it: a part belongs to the file of this length and age. */
  #key(file) {
    return `lab.upload.${this.#slug}.${file.name}`;
  }

  #marked(file) {
    try {
      return localStorage.getItem(this.#key(file)) === `${file.size}-${file.lastModified}`;
    } catch {
      return false;
    }
  }

  #mark(file, value) {
    try {
      if (value === null) localStorage.removeItem(this.#key(file));
      else localStorage.setItem(this.#key(file), value);
    } catch {
      // A private window keeps nothing: then an upload that was cut begins anew.
    }
  }
}
