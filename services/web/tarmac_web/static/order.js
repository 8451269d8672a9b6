// Keeps an order's page up to date until the order has ended. Without scripts the page loads anew.

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function follow() {
  for (let pause = 400; document.querySelector("#order[data-moving]"); pause = Math.min(pause * 1.3, 5000)) {
    await wait(pause);
    if (document.hidden) continue;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) continue;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#order");
    const shown = document.querySelector("#order");
    if (fresh && shown && fresh.innerHTML !== shown.innerHTML) {
      const open = shown.querySelector("details")?.open;
      shown.replaceWith(fresh);
      if (open) fresh.querySelector("details").open = true;
    }
  }
}

follow();
