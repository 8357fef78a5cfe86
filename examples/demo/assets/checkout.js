// The checkout page: counts the time to pay down and turns over by itself when the gateway's notify arrives.

const order = document.querySelector("#order");
const clockFace = document.querySelector("#clock");
const expires = Number(order.dataset.expires);

/** `m:ss` of the milliseconds left. */
function clock(left) {
  const seconds = Math.max(0, Math.floor(left / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Whether the order still waits for something; `settling` waits for the seat, `refunding` for the money's way back. */
const waiting = () => ["created", "pending", "unknown", "settling", "refunding"].includes(order.dataset.state);
const payable = () => clockFace && ["created", "pending", "unknown"].includes(order.dataset.state);

function tick() {
  if (!payable()) return;
  const left = expires - Date.now();
  // The clock stands outside the live region: a screen reader must not be told every second.
  clockFace.textContent = left > 0 ? `Time left: ${clock(left)}` : "The time to pay is over. The seat goes back to the others.";
}

async function ask() {
  const reply = await fetch(`/api/v1/orders/${order.dataset.no}`, { headers: { accept: "application/json" } });
  if (!reply.ok) return;
  const now = await reply.json();
  const moved = now.state !== order.dataset.state || String(now.payable) !== order.dataset.payable;
  if (moved) location.replace(`/checkout/${order.dataset.no}`);
}

if (waiting()) {
  tick();
  setInterval(tick, 1000);
  setInterval(() => { if (!document.hidden) ask().catch(() => {}); }, 1000);
}
