// Every variable of every service: its value as it runs, and the file and line that say so.

import { address, place } from "./state.js";
import { Empty, choosing, html, stay, useAnswer } from "./ui.js";

/** @import { Answer, Configuration } from "./answers.d.ts" */

export function Configuration() {
  const words = (place.value.options.get("text") || "").toLowerCase();
  /** @type {Answer<Configuration>} */
  const [content, error] = useAnswer("/api/configuration", 0);
  if (error) return html`<${Empty} title="Not to be read now">${error}<//>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  const rows = content.services.flatMap(({ name, env = [] }) => env.map((variable) => ({ service: name, ...variable })));
  if (rows.length === 0) return html`<${Empty} title="No variables">Set some under <code>env:</code> of a service in the system's file.<//>`;
  const found = rows.filter((row) => !words
    || `${row.service} ${row.name} ${row.value} ${row.origin}`.toLowerCase().includes(words));
  return html`
    <form class="filters" onSubmit=${stay}>
      <label>Text <input type="search" value=${words} onInput=${choosing("text")} /></label>
      <span role="status">${found.length} of ${rows.length} variables</span>
    </form>
    <table aria-label="Variables">
      <thead><tr><th scope="col">Service</th><th scope="col">Variable</th><th scope="col">Value</th><th scope="col" class="minor">From</th></tr></thead>
      <tbody>${found.map((row) => html`<tr key=${`${row.service} ${row.name}`}>
        <td><a href=${address("system", row.service)}>${row.service}</a></td><td><code>${row.name}</code></td>
        <td>${row.value ? html`<code>${row.value}</code>` : html`<small>set by you</small>`}</td>
        <td class="minor"><small title=${row.origin}>${row.origin.replace(/^.*\/(?=[^/]+:\d)/, "")}</small></td>
      </tr>`)}</tbody>
    </table>`;
}
