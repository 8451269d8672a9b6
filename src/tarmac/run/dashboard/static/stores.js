// What each store holds and does, and what services ask of them.

import { address, place } from "./state.js";
import { Empty, amount, choosing, duration, html, percent, stay, useAnswer } from "./ui.js";

/** @import { Answer, Operation, Statistic, StoresNow, StoreStatistics } from "./answers.d.ts" */

const MINUTES = ["5", "15", "60", "1440"];

/** @param {Statistic} statistic */
function figure({ value, unit }) {
  if (unit === "bytes") return value >= 1e6 ? `${amount(value / 1e6)} MB` : `${amount(value / 1e3)} kB`;
  if (unit === "share") return percent(value, 1);
  return unit === "s" ? duration(value) : amount(value);
}

/** @param {{ name: string, store: StoreStatistics }} props */
function Store({ name, store }) {
  return html`<article class="store">
    <h2><a href=${address("system", name)}>${name}</a></h2>
    <p class="faint">${store.title}</p>
    ${store.error && html`<p class=${store.error.startsWith("no answer") ? "failed" : "faint"}>${store.error}</p>`}
    <dl class="figures">${store.statistics.map((one) => html`<div key=${one.name}>
      <dt>${one.name}</dt><dd>${figure(one)}</dd></div>`)}</dl>
  </article>`;
}

/** @param {{ operations: Operation[] }} props */
function Operations({ operations }) {
  if (operations.length === 0) {
    return html`<p class="faint">No span of a store's client; services of the kit, and those with OpenTelemetry, send them.</p>`;
  }
  return html`<table>
    <thead><tr><th scope="col">Service</th><th scope="col">Operation</th><th scope="col">Count</th><th scope="col" class="minor">Mean</th><th scope="col">Longest</th><th scope="col" class="minor">In all</th><th scope="col">Failed</th></tr></thead>
    <tbody>${operations.map((one) => html`<tr key=${one.service + one.name}>
      <td><a href=${address("traces", "", { service: one.service })}>${one.service}</a></td><td>${one.name}</td><td>${amount(one.count)}</td>
      <td class="minor">${duration(one.mean_s)}</td><td>${duration(one.longest_s)}</td><td class="minor">${duration(one.total_s)}</td>
      <td class=${one.failed ? "failed" : ""}>${one.failed || ""}</td>
    </tr>`)}</tbody>
  </table>`;
}

export function Stores() {
  const minutes = place.value.options.get("minutes") || "15";
  /** @type {Answer<StoresNow>} */
  const [content, error] = useAnswer(`/api/stores?${new URLSearchParams({ minutes })}`, 5);
  if (error && !content) return html`<${Empty} title="Not to be read now">${error}<//>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  const stores = Object.entries(content.stores);
  if (stores.length === 0) return html`<${Empty} title="No stores">Declare one under <code>stores:</code> in the system's file.<//>`;
  return html`
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    <div class="cards">${stores.map(([name, store]) => html`<${Store} key=${name} name=${name} store=${store} />`)}</div>
    <form class="filters" onSubmit=${stay}>
      <h2>What services ask of them</h2>
      <label>in the last <select value=${minutes} onChange=${choosing("minutes")}>
        ${MINUTES.map((count) => html`<option value=${count}>${duration(Number(count) * 60)}</option>`)}
      </select></label>
    </form>
    <${Operations} operations=${content.operations} />`;
}
