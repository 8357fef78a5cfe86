// The back office: refusals stand where the form is, and choosing many users says how many. Without this script every
// form works as well; its answer is then a page.

function say(form, words) {
  let note = form.querySelector(".live");
  if (!note) {
    note = document.createElement("p");
    note.className = "note bad live";
    note.setAttribute("role", "alert");
    form.append(note);
  }
  note.textContent = words;
}

async function send(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  const reply = await fetch(form.action, { method: "POST", body: fields });
  if (reply.ok && reply.redirected) {
    location.assign(reply.url);
    return;
  }
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const prove = page.querySelector("#prove");
  if (prove && form.id !== "prove") {
    ask(prove);
    return;
  }
  const places = ["#prove .note", "#notice.bad", "main .lede"];
  const words = places.map((place) => page.querySelector(place)?.textContent).find((text) => text);
  say(form, words ?? `${reply.status}`);
}

// A change that takes a proof of who one is: its form comes back with a field for the password, and goes on from there.
function ask(prove) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", prove.querySelector("h1").textContent);
  dialog.append(document.importNode(prove, true));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[name=proof]")?.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  // A preview is a page of its own.
  if (!form.matches("form[data-live]") || event.submitter?.name === "preview") return;
  event.preventDefault();
  const buttons = [...form.querySelectorAll("button")];
  const submitter = event.submitter;
  send(form, submitter)
    .catch((cause) => say(form, String(cause.message)))
    .finally(() => buttons.forEach((button) => { button.disabled = false; }));
  buttons.forEach((button) => { button.disabled = true; });
});

// Only one of the small windows is open, and Escape closes it.
document.addEventListener("click", (event) => {
  for (const pop of document.querySelectorAll("details.pop[open]")) {
    if (!pop.contains(event.target)) pop.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const pop = document.activeElement?.closest("details.pop[open]");
  if (pop) {
    pop.open = false;
    pop.querySelector("summary").focus();
  }
});

const bulk = document.querySelector("#bulk");

function bulkBar() {
  const boxes = [...bulk.querySelectorAll("input[name=user]")];
  const all = bulk.querySelector("[data-all]");
  const kind = bulk.querySelector("select[name=kind]");
  if (!kind) return;
  all.hidden = false;
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    bulk.querySelector("[data-chosen]").textContent = chosen;
    bulk.querySelector(".bulkbar button").disabled = chosen === 0;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    for (const field of bulk.querySelectorAll("[data-for]")) {
      const needed = field.dataset.for.split(" ").includes(kind.value);
      field.hidden = !needed;
      field.disabled = !needed;
      if (field.name === "role") field.required = needed;
    }
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  bulk.addEventListener("change", show);
  show();
}

if (bulk) bulkBar();

// A file is read into the field of its text; nothing is sent before the form is.
for (const file of document.querySelectorAll("input[type=file][data-into]")) {
  const field = document.getElementById(file.dataset.into);
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const small = chosen.size <= Number(file.dataset.max);
    file.setCustomValidity(small ? "" : `${chosen.size} > ${file.dataset.max}`);
    if (small) field.value = await chosen.text();
    else file.reportValidity();
  });
}

// Fields that only some choices of a select need.
for (const select of document.querySelectorAll("select[data-shows]")) {
  const show = () => {
    for (const field of select.form.querySelectorAll("[data-when]")) {
      field.hidden = !field.dataset.when.split(" ").includes(select.value);
    }
  };
  select.addEventListener("change", show);
  show();
}

for (const button of document.querySelectorAll("[data-sample]")) {
  const field = button.form.querySelector("textarea");
  button.hidden = false;
  button.addEventListener("click", () => {
    field.value = field.placeholder;
    field.focus();
  });
}
