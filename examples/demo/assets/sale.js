// The flash-sale page: shows the seats as they go, and sends one reservation whatever the number of clicks.
// Without this module the form works all the same: the server's page carries its own request id.

const sale = document.querySelector("#sale");
const form = document.querySelector("#reserve");
const message = document.querySelector("#message");
const slug = sale.dataset.slug;

/** Words for each answer that is not a seat. */
const refusals = {
  sold_out: "Sold out. A seat comes back when a buyer does not pay in time.",
  limit_reached: "You hold a seat of this course already.",
  not_open: "The sale has not opened yet.",
  closed: "The sale is over.",
  already_enrolled: "You are enrolled already.",
  reservation_over: "That reservation is over. Load the page again to try once more.",
};

function say(text, tone) {
  message.className = `note ${tone}`;
  message.textContent = text;
}

async function refresh() {
  const reply = await fetch(`/api/v1/sales/${slug}`, { headers: { accept: "application/json" } });
  if (!reply.ok) return;
  const state = await reply.json();
  document.querySelector("#left").textContent = state.left;
  document.querySelector("#held").textContent = state.held;
  document.querySelector("#meter").value = state.left;
}

async function reserve() {
  const requestId = form.elements.request_id.value;
  for (let attempt = 0; ; attempt += 1) {
    try {
      // The request id makes a repeat safe: a lost reply is answered again, never sold again.
      return await fetch(`/api/v1/sales/${slug}/reservations`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ request_id: requestId }),
      });
    } catch (failure) {
      if (attempt >= 4) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
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
    say(refusals[answer.code] ?? answer.detail, "bad");
    await refresh();
  } catch {
    say("The school could not be reached. Try again: you will not be charged twice.", "bad");
  }
  button.disabled = false;
});

/** Asks again every two seconds while the page is in front. */
async function watch() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (!document.hidden) await refresh().catch(() => {});
  }
}
watch();
