// The runs of this system, and how requests went in two of them.

import { place } from "./state.js";
import { Empty, amount, choosing, duration, html, percent, stay, useAnswer } from "./ui.js";

/** @import { Answer, RunRequests, RunsNow, ServiceComparison } from "./answers.d.ts" */

/** @type {[title: string, write: (made: RunRequests) => string][]} */
const FIGURES = [
  ["Requests", (made) => amount(made.requests)],
  ["Per second", (made) => amount(made.per_s)],
  ["Failed", (made) => percent(made.failed_share)],
  ["p50", (made) => duration(made.p50_s)],
  ["p95", (made) => duration(made.p95_s)],
  ["p99", (made) => duration(made.p99_s)],
];

/** @type {("before" | "after")[]} */
const SIDES = ["before", "after"];

/**
 * @param {RunRequests | null} made
 * @param {(made: RunRequests) => string} write
 */
function written(made, write) {
  return made ? write(made) : "–";
}

/** @param {{ services: ServiceComparison[] }} props */
function Comparison({ services }) {
  if (services.length === 0) return html`<p class="faint">Neither run had a request.</p>`;
  return html`<table aria-label="Requests of both runs">
    <thead><tr><th scope="col">Service</th><th scope="col">Run</th>${FIGURES.map(([title]) => html`<th scope="col">${title}</th>`)}</tr></thead>
    <tbody>${services.flatMap((one) => SIDES.map((side) => html`<tr key=${one.service + side}>
      <td>${side === "before" ? one.service : ""}</td><td>${side}</td>
      ${FIGURES.map(([, write]) => html`<td>${written(one[side], write)}</td>`)}
    </tr>`))}</tbody>
  </table>`;
}

export function Runs() {
  const { options } = place.value;
  const [before, after] = [options.get("before") || "", options.get("after") || ""];
  /** @type {Answer<RunsNow>} */
  const [content, error] = useAnswer(`/api/runs?${new URLSearchParams({ before, after })}`, 5);
  if (error && !content) return html`<${Empty} title="Not to be read now">${error}<//>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  if (content.runs.length === 0) return html`<${Empty} title="No runs">The first is written down in a moment.<//>`;
  const select = (/** @type {string} */ name, /** @type {string} */ chosen, /** @type {string} */ none) => html`<label>${name} <select value=${chosen}
      onChange=${choosing(name.toLowerCase())}>
    <option value="">${none}</option>
    ${content.runs.map((run) => html`<option value=${run.name}>${run.name}</option>`)}
  </select></label>`;
  return html`
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    <form class="filters" onSubmit=${stay}>
      <h2>Compare</h2>
      ${select("Before", before, "choose a run")}
      ${select("After", after, "the latest")}
    </form>
    ${before && html`<${Comparison} services=${content.services} />`}
    <table aria-label="Runs">
      <thead><tr><th scope="col">Run</th><th scope="col">Took</th></tr></thead>
      <tbody>${content.runs.map((run) => html`<tr key=${run.name}>
        <td>${run.name}</td><td>${duration((run.until_ms - run.began_ms) / 1000)}</td>
      </tr>`)}</tbody>
    </table>`;
}
