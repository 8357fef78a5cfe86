// The flash-sale page: shows the seats as they go, and sends one reservation whatever the number of clicks.
// Without this module the form works all the same: the server's page carries its own request id.

const sale = document.querySelector("#sale");
const form = document.querySelector("#reserve");
const button = form?.querySelector("button");
const message = document.querySelector("#message");
const slug = sale.dataset.slug;
const tries = 5;

/** Words for each answer that is not a seat, as the page brought them. */
const words = Object.fromEntries(
  [...document.querySelectorAll("#words [data-code]")].map((line) => [line.dataset.code, line.textContent]),
);
/** The code that explains a phase; the open one needs no words. */
const phases = { draft: "not_open", warmed: "not_open", paused: "paused", closed: "closed", settled: "closed" };

let asking = false;
let stopped = button?.disabled ?? false;

function say(text, tone) {
  message.className = `note ${tone}`;
  message.textContent = text;
}

/** Writes only what changed: a screen reader reads the phase when it turns, not every two seconds. */
function write(id, text) {
  const place = document.querySelector(id);
  if (place.textContent !== String(text)) place.textContent = text;
}

function enable() {
  if (button) button.disabled = asking || stopped;
}

async function refresh() {
  const reply = await fetch(`/api/v1/sales/${slug}`, { headers: { accept: "application/json" } });
  if (!reply.ok) return;
  const state = await reply.json();
  const total = state.left + state.held + state.paid;
  write("#left", state.left);
  write("#held", state.held);
  write("#total", total);
  write("#phase", words[phases[state.phase]] ?? "");
  const meter = document.querySelector("#meter");
  meter.max = total;
  meter.value = state.left;
  stopped = state.phase in phases;
  enable();
}

const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Sends the wish until it is answered. The request id makes a repeat safe: it is answered again, never sold again. */
async function reserve() {
  const requestId = form.elements.request_id.value;
  let again = false;
  for (let attempt = 1; ; attempt += 1) {
    const pause = 200 * 2 ** (attempt - 1) * (0.5 + Math.random());
    try {
      const reply = await fetch(`/api/v1/sales/${slug}/reservations`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ request_id: requestId, again }),
      });
      const seconds = Number(reply.headers.get("retry-after") ?? 0);
      const passing = reply.status === 503 && seconds <= 5;
      if (!passing || attempt >= tries) return reply;
      await wait(Math.max(pause, seconds * 1000));
    } catch (failure) {
      if (attempt >= tries) throw failure;
      await wait(pause);
    }
    // The answer may have been lost behind the school's own door too.
    again = true;
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (asking || stopped) return;
  asking = true;
  enable();
  say("Asking for a seat…", "wait");
  try {
    const reply = await reserve();
    const answer = await reply.json();
    if (reply.ok) {
      say("The seat is yours. Opening the checkout…", "good");
      location.assign(answer.checkout);
      return;
    }
    if (reply.status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    say(words[answer.code] ?? answer.detail, "bad");
    await refresh();
  } catch {
    say("The school could not be reached. Try again: you will not be charged twice.", "bad");
  }
  asking = false;
  enable();
});

/** Asks again every two seconds while the page is in front. */
async function watch() {
  for (;;) {
    await wait(2000);
    if (!document.hidden) await refresh().catch(() => {});
  }
}
watch();
