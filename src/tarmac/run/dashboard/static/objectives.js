// The objectives: what share of requests was good, what is left of the error budget, how fast it burns.

import { Empty, amount, duration, html, percent, useAnswer } from "./ui.js";

/** @import { Answer, ObjectivesNow, ObservedObjective } from "./answers.d.ts" */

/** @param {{ objective: ObservedObjective, now: number }} props */
function Objective({ objective, now }) {
  const left = Math.max(0, Math.min(1, objective.budget_left));
  const seen = objective.since_ms === null ? null : Math.min(objective.window_s, (now - objective.since_ms) / 1000);
  return html`<article class="objective ${objective.burns ? "failed" : ""}">
    <h2>${objective.name}</h2>
    <p>${objective.sentence}</p>
    <dl class="figures">
      <div><dt>good</dt><dd>${percent(objective.good_share, 3)}</dd></div>
      <div><dt>requests</dt><dd>${Math.round(objective.counts.requests)}</dd></div>
      <div><dt>bad</dt><dd>${Math.round(objective.counts.bad)}</dd></div>
      <div><dt>seen</dt><dd>${seen === null ? "nothing yet" : `${duration(seen)} of ${duration(objective.window_s)}`}</dd></div>
    </dl>
    <label>error budget left: ${percent(left, 1)}${objective.budget_left < 0 && `, spent ${amount(1 - objective.budget_left)} times`} ${" "}
      <meter min="0" max="1" low="0.25" high="0.5" optimum="1" value=${left}></meter></label>
    <table>
      <thead><tr><th scope="col">Alert</th><th scope="col">Burn rate</th><th scope="col">Limit</th><th scope="col">State</th></tr></thead>
      <tbody>${objective.alerts.map((alert) => html`<tr>
        <td>${alert.name} (${alert.severity})</td>
        <td>${Object.entries(alert.burns).map(([window, burn]) => `${burn.toFixed(1)} in ${duration(Number(window))}`).join(", ")}</td>
        <td>${alert.factor.toFixed(1)}</td>
        <td class=${{ firing: "failed", pending: "changing", inactive: "well" }[alert.state]}>${alert.too_few ? "too few requests" : alert.state}</td>
      </tr>`)}</tbody>
    </table>
  </article>`;
}

export function Objectives() {
  /** @type {Answer<ObjectivesNow>} */
  const [content, error] = useAnswer("/api/objectives", 5);
  if (error) return html`<p class="failed" role="alert">${error}</p>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  if (content.objectives.length === 0) {
    return html`<${Empty} title="No objectives">Add some under <code>objectives:</code> in the system's file.<//>`;
  }
  return html`<div class="cards">
    ${content.objectives.map((objective) => html`<${Objective} key=${objective.name} objective=${objective} now=${content.at_ms} />`)}
  </div>`;
}
