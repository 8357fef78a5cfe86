// The back office's page of an order: turns over when a gateway moves the order or a refund of it.

const order = document.querySelector("#order");

async function ask() {
  const reply = await fetch(`/api/v1/admin/orders/${order.dataset.no}`, { headers: { accept: "application/json" } });
  if (!reply.ok) return;
  const now = await reply.json();
  // Somebody who is filling in a refund keeps the page as it is.
  const busy = document.querySelector("details.refund[open]");
  if (now.version !== order.dataset.version && !busy) location.replace(`/admin/orders/${order.dataset.no}`);
}

// What a settled refund means for the enrolment follows a moment later, so the page looks for a while in any case.
let looks = order.dataset.moving === "true" ? Infinity : 10;
setInterval(() => { if (!document.hidden && looks-- > 0) ask().catch(() => {}); }, 1500);
