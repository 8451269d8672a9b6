// Small parts that several views show: what copies, opens, draws a line as long as a word, says what failed.

import { useEffect, useRef, useState } from "./vendor/preact-hooks.js";
import { address, choose, place } from "./state.js";
import { clock, elapsed, html } from "./ui.js";

/** @import { Failure, Values } from "./answers.d.ts" */

const SAID_MS = 1500;
/** Of what began a moment ago, a line shows so many steps at least. */
const LEAST_STEPS = 9;
/** A range that begins before is counted from the start of a run: no clock was ever there. */
const CLOCK_MS = 1e12;

/**
 * A button that copies a text.
 * @param {{ text: string, what: string, children?: unknown }} props `what` names it: `address of orders`.
 */
export function Copy({ text, what, children }) {
  const [said, setSaid] = useState("");
  /** @type {{ current: ReturnType<typeof setTimeout> | undefined }} */
  const timer = useRef(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("copied");
    } catch {
      setSaid("not allowed");
    }
    timer.current = setTimeout(() => setSaid(""), SAID_MS);
  }
  return html`<button type="button" class="copy" onClick=${copy} aria-label="Copy the ${what}" title="Copy ${text}">
    ${said ? html`<span role="status">${said}</span>` : children || html`<span class="icon-copy" aria-hidden="true"></span>`}
  </button>`;
}

/**
 * An address to open, and to copy.
 * @param {{ url: string, of: string, shown?: string }} props
 */
export function Address({ url, of, shown = url }) {
  return html`<span class="address"><a href=${url} target="_blank" rel="noreferrer">${shown.replace(/^https?:\/\//, "").replace(/\/?(\?token=.*)?$/, "")}</a><${Copy} text=${url} what="address of ${of}" /></span>`;
}

/**
 * A line as long as a word; what failed is drawn upon it. A number beside it says the latest.
 * @param {{ values: Values, failed?: Values }} props
 */
export function Spark({ values, failed = [] }) {
  const [width, height] = [76, 22];
  const most = Math.max(...values.map((value) => value ?? 0), 1e-9);
  const known = values.findIndex((value) => value !== null);
  const last = Math.max(1, values.length - 1);
  const first = Math.max(0, Math.min(known, last - LEAST_STEPS));
  const x = (/** @type {number} */ step) => (((step - first) / (last - first)) * width).toFixed(1);
  const y = (/** @type {number} */ value) => (height - 1 - (value / most) * (height - 3)).toFixed(1);
  if (known < 0) return html`<svg class="spark" width=${width} height=${height} aria-hidden="true"></svg>`;
  const line = values.map((value, step) => (value === null ? "" : `${step === known ? "M" : "L"}${x(step)},${y(value)}`)).join("");
  const bars = failed.map((value, step) => (value ? `M${x(step)},${height}V${y(value)}` : "")).join("");
  return html`<svg class="spark" width=${width} height=${height} viewBox="0 0 ${width} ${height}" aria-hidden="true">
    <path class="area" d="${line}L${x(last)},${height}L${x(known)},${height}Z" /><path class="trend" d=${line} />
    ${bars && html`<path class="bad" d=${bars} />`}
  </svg>`;
}

/**
 * A menu of a row: closed by Escape, by a click elsewhere, and by what it does.
 * @param {{ name: string, children: unknown }} props
 */
export function Menu({ name, children }) {
  /** @type {{ current: HTMLDetailsElement | null }} */
  const box = useRef(null);
  useEffect(() => {
    const close = (/** @type {Event} */ event) => {
      if (box.current?.open && !box.current.contains(/** @type {Element} */ (event.target))) box.current.open = false;
    };
    const leave = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape" || !box.current?.open) return;
      box.current.open = false;
      box.current.querySelector("summary")?.focus();
    };
    addEventListener("click", close);
    addEventListener("keydown", leave);
    return () => { removeEventListener("click", close); removeEventListener("keydown", leave); };
  }, []);
  // Before the button does what it does: it may be another one then.
  function done(/** @type {Event} */ event) {
    const chosen = /** @type {Element} */ (event.target).closest("a, button");
    if (chosen && !chosen.matches(".stay, .copy")) setTimeout(() => { if (box.current) box.current.open = false; });
  }
  return html`<details class="menu" ref=${box}>
    <summary aria-label=${name} title=${name}>⋯</summary>
    <div onClickCapture=${done}>${children}</div>
  </details>`;
}

/**
 * What went wrong last, the same of it in one line, each with the way to its trace or its log.
 * @param {{ failures: Failure[], most: number }} props
 */
export function Failures({ failures, most }) {
  return html`<ul class="plain failures">
    ${failures.slice(0, most).map((one) => html`<li key=${one.service + one.what}>
      <time>${clock(one.at_ms)}</time>
      <a class="what" href=${one.trace ? address("traces", one.trace) : address("logs", "", { node: one.service, level: "error" })}><b>${one.service}</b> ${one.what}</a>
      <span class="count">${one.count > 1 && html`<span title="${one.count} of the latest">×${one.count}</span>`}</span>
      ${one.cause && html`<small>${one.cause}</small>`}
    </li>`)}
  </ul>`;
}

/** The time that was chosen in a chart, and the way out of it. */
export function Range() {
  const { options } = place.value;
  const [from, to] = [Number(options.get("from")), Number(options.get("to"))];
  if (!to) return "";
  const write = (/** @type {number} */ ms) => (ms > CLOCK_MS ? clock(ms) : elapsed(ms / 1000));
  return html`<button type="button" class="chip" onClick=${() => choose({ from: "", to: "" })}
    aria-label="Only ${write(from)} to ${write(to)}; show all times">${write(from)} – ${write(to)} <b aria-hidden="true">×</b></button>`;
}

/** The chosen time as options of an address, for views that know it; none of a run's own time. */
export function rangeOptions() {
  const [from, to] = [place.value.options.get("from") || "", place.value.options.get("to") || ""];
  /** @type {Record<string, string>} */
  const chosen = Number(from) > CLOCK_MS ? { from, to } : {};
  return chosen;
}
