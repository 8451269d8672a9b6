// What makes every page a little easier to use; without it everything works as well.
// Errors of scripts are reported to our own address: nothing but the message and the place.

let reported = 0;

function report(message, source, line, column, stack) {
  if (reported >= 5) return; // a script that fails in a loop says nothing new
  reported += 1;
  const body = JSON.stringify({
    message: String(message).slice(0, 500),
    source: String(source || "").slice(0, 300),
    line: Number(line) || 0,
    column: Number(column) || 0,
    stack: String(stack || "").slice(0, 4000),
    page: location.pathname,
  });
  fetch("/client-errors", {
    method: "POST", body, keepalive: true, headers: { "Content-Type": "application/json" },
  }).catch(() => {});
}

addEventListener("error", (event) => {
  if (event instanceof ErrorEvent) {
    report(event.message, event.filename, event.lineno, event.colno, event.error?.stack);
  }
});
addEventListener("unhandledrejection", (event) => {
  report(event.reason?.message || event.reason, "", 0, 0, event.reason?.stack);
});

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.querySelector("button")?.setAttribute("aria-busy", "true");
  });
}
// Back from the browser's memory: the form may be sent anew.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("button")?.removeAttribute("aria-busy");
  }
});

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.addEventListener("change", () => form.requestSubmit());
  form.querySelector("button")?.classList.add("unseen");
}

document.querySelector("#problem")?.focus();
