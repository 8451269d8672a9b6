// Prices as they come. The page is whole without this: it shows the prices of when it was made.

const ARROW = /#(up|down|flat)$/;
const shown = new Map(); // symbol -> the last price in minor units
const rows = [...document.querySelectorAll("[data-quote]")];
const live = document.querySelector("[data-live]");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const digits = Number(document.documentElement.dataset.digits ?? 2);
const one = 10 ** digits; // of the currency, in minor units
const decimals = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const unit = document.documentElement.dataset.unit ?? "";
const amount = (minor) => `${unit}${decimals.format(Math.abs(minor) / one)}`;
const sign = (number) => (number > 0 ? "+" : number < 0 ? "\u2212" : "");

function say(text, on) {
  if (!live) return;
  live.hidden = false;
  live.classList.toggle("off", !on);
  live.querySelector("[data-live-text]").textContent = text;
}

// Up, down or flat: by an arrow, a sign and a word, and by colour.
function mark(element, difference) {
  const word = difference > 0 ? "up" : difference < 0 ? "down" : "flat";
  element.classList.remove("up", "down", "flat");
  element.classList.add(word);
  const use = element.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(ARROW, `#${word}`));
  const said = element.querySelector("[data-way]");
  if (said) said.textContent = `${word} `;
}

function paint(row, quote) {
  const before = shown.get(quote.symbol);
  const price = row.querySelector("[data-price]");
  price.textContent = amount(quote.price_minor);
  const change = row.querySelector("[data-change]");
  if (change) {
    const difference = quote.price_minor - quote.open_minor;
    mark(change, difference);
    const percent = Math.abs(difference / quote.open_minor) * 100;
    change.querySelector("[data-percent]").textContent = `${sign(difference)}${percent.toFixed(2)} %`;
  }
  if (row.dataset.cost) worth(row, quote.price_minor * Number(row.dataset.quantity));
  if (before !== undefined && before !== quote.price_minor && !calm.matches) {
    price.classList.remove("rose", "fell");
    void price.offsetWidth; // begin the animation anew
    price.classList.add(quote.price_minor > before ? "rose" : "fell");
  }
}

// What somebody holds: each position, and all of them with the cash.
function result(element, difference) {
  mark(element, difference);
  element.querySelector("[data-result-text]").textContent = `${sign(difference)}${amount(difference)}`;
}
function worth(row, minor) {
  row.dataset.worth = minor;
  row.querySelector("[data-value]").textContent = amount(minor);
  result(row.querySelector("[data-result]"), minor - Number(row.dataset.cost));
}
const figures = document.querySelector("[data-figures]");
function sum() {
  const held = rows.filter((row) => row.dataset.cost);
  if (!figures || !held.length || held.some((row) => !row.dataset.worth)) return;
  const add = (name) => held.reduce((total, row) => total + Number(row.dataset[name]), 0);
  const value = add("worth");
  figures.querySelector("[data-in-shares]").textContent = amount(value);
  figures.querySelector("[data-total]").textContent = amount(value + Number(figures.dataset.cash));
  result(figures.querySelector("[data-result]"), value - add("cost"));
}

// The chart: drawn by the server; a new price moves it on, one that leaves its range draws it anew.
let prices = (document.querySelector("#chart[data-prices]")?.dataset.prices || "").split(",").filter(Boolean).map(Number);
async function redraw() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#chart");
  if (!fresh) return;
  document.querySelector("#chart").replaceWith(fresh);
  prices = fresh.dataset.prices.split(",").map(Number);
}
function moveOn(price) {
  const figure = document.querySelector("#chart[data-prices]");
  if (!figure || prices.length < 2) return;
  const low = Math.min(...prices), high = Math.max(...prices);
  prices = [...prices.slice(1), price];
  if (price < low || price > high) { redraw(); return; }
  const width = 720, tall = 260; // as chart.py draws it
  const span = Math.max(high - low, 1), top = high + span * 0.08, bottom = low - span * 0.08;
  const inner = width - 64, step = inner / (prices.length - 1);
  const points = prices.map((each, index) => `${(index * step).toFixed(1)} ${(((top - each) / (top - bottom)) * tall).toFixed(1)}`);
  const line = `M${points.join("L")}`;
  figure.querySelector(".line").setAttribute("d", line);
  figure.querySelector(".area").setAttribute("d", `${line}L${inner} ${tall}L0 ${tall}Z`);
  const [x, y] = points.at(-1).split(" ");
  const end = figure.querySelector(".end");
  end.setAttribute("cx", x);
  end.setAttribute("cy", y);
}

// The ticket: what it will cost, about.
const ticket = document.querySelector("[data-ticket]");
function estimate() {
  if (!ticket) return;
  const symbol = rows[0].dataset.quote;
  const data = new FormData(ticket);
  const limit = data.get("kind") === "limit" ? Number(data.get("limit")) * one : shown.get(symbol);
  const total = (limit || 0) * Number(data.get("quantity"));
  const place = ticket.querySelector("[data-estimate]");
  place.hidden = !(total > 0);
  place.textContent = `${data.get("side") === "sell" ? "You get" : "You pay"} about ${amount(total)}.`;
}
ticket?.addEventListener("input", estimate);

// A stream that broke off comes back by itself. One that was refused (an API that restarts answers
// 503) would stay away for ever, so it is asked for again.
const AGAIN_MS = 3000;
function listen(symbols) {
  const source = new EventSource(`/live/quotes?symbols=${symbols.join(",")}`);
  source.addEventListener("open", () => say("Live", true));
  source.addEventListener("error", () => {
    say("Reconnecting", false);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS, symbols);
  });
  source.addEventListener("quote", (event) => {
    const quote = JSON.parse(event.data);
    for (const row of rows) if (row.dataset.quote === quote.symbol) paint(row, quote);
    shown.set(quote.symbol, quote.price_minor);
    moveOn(quote.price_minor);
    sum();
    estimate();
  });
}
if (rows.length) listen([...new Set(rows.map((row) => row.dataset.quote))]);
