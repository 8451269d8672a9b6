// The latest traces, filtered by service, failure, name and duration.

import { address, choose, place, system } from "./state.js";
import { Empty, choosing, duration, html, services, stay, useAnswer } from "./ui.js";

/** @import { Answer, TraceList, TraceSummary } from "./answers.d.ts" */

/** Bars of the histogram: each is twice as long as the one before, from 100 µs. */
const FIRST_US = 100;
const BARS = 17;
const BAR_PX = 46;

/** @param {{ options: URLSearchParams }} props */
function Filters({ options }) {
  return html`<form class="filters" onSubmit=${stay}>
    <label>Service <select value=${options.get("service") || ""}
        onChange=${choosing("service")}>
      <option value="">all</option>
      ${services(system.value).map((name) => html`<option value=${name}>${name}</option>`)}
    </select></label>
    <label>Name <input type="search" value=${options.get("name") || ""}
        onInput=${choosing("name")} /></label>
    <label><input type="checkbox" checked=${options.get("failed") === "true"}
        onChange=${() => choose({ failed: options.get("failed") ? "" : "true" })} /> failed only</label>
    ${(options.get("least_us") || options.get("below_us")) && html`
      <button type="button" onClick=${() => choose({ least_us: "", below_us: "" })}>
        only ${duration(Number(options.get("least_us")) / 1e6)} to ${duration(Number(options.get("below_us")) / 1e6)}; show all</button>`}
  </form>`;
}

/**
 * How long the listed traces took; a bar filters by its durations.
 * @param {{ traces: TraceSummary[] }} props
 */
function Histogram({ traces }) {
  const counts = Array(BARS).fill(0);
  for (const trace of traces) {
    const doublings = Math.floor(Math.log2(Math.max(1, trace.duration_ns / 1000 / FIRST_US)));
    counts[Math.min(BARS - 1, doublings)] += 1;
  }
  const [first, last] = [counts.findIndex(Boolean), counts.findLastIndex(Boolean)];
  const most = Math.max(...counts);
  return html`<div class="histogram" role="group" aria-label="Traces by duration">
    ${counts.slice(first, last + 1).map((count, index) => {
      const bar = first + index;
      const least = bar === 0 ? 0 : FIRST_US * 2 ** bar;
      const below = FIRST_US * 2 ** (bar + 1);
      if (count === 0) return html`<span class="bin"><small>${duration(least / 1e6)}</small></span>`;
      return html`<button type="button" class="bin" onClick=${() => choose({ least_us: String(least), below_us: String(below) })}
          aria-label="${count} traces of ${duration(least / 1e6)} to ${duration(below / 1e6)}">
        <span class="column" style=${{ height: `${Math.ceil((BAR_PX * count) / most)}px` }}></span>
        <small>${duration(least / 1e6)}</small>
      </button>`;
    })}
  </div>`;
}

export function Traces() {
  const { options } = place.value;
  const asked = new URLSearchParams({ most: "200" });
  for (const name of ["service", "failed", "name", "least_us", "below_us"]) {
    const value = options.get(name);
    if (value) asked.set(name, value);
  }
  /** @type {Answer<TraceList>} */
  const [content, error] = useAnswer(`/api/traces?${asked}`);
  const traces = content?.traces || [];
  const slowest = Math.max(...traces.map((trace) => trace.duration_ns), 1);
  return html`
    <${Filters} options=${options} />
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    ${content && traces.length === 0 && html`<${Empty} title="No traces">
      Send a request to the system${options.size ? ", or take a filter away" : ""}.<//>`}
    ${traces.length > 0 && html`<${Histogram} traces=${traces} />
    <table class="traces">
      <thead><tr><th scope="col">Started</th><th scope="col">Service</th><th scope="col">Name</th><th scope="col">Time</th><th scope="col" class="minor">Spans</th><th scope="col">Failed</th></tr></thead>
      <tbody>${traces.map((trace) => html`<tr key=${trace.trace_id}>
        <td><time>${new Date(trace.started_ns / 1e6).toLocaleTimeString()}</time></td>
        <td>${trace.service}</td>
        <td><a href=${address("traces", trace.trace_id)}>${trace.name}</a></td>
        <td><meter class="minor" max=${slowest} value=${trace.duration_ns}></meter> ${duration(trace.duration_ns / 1e9)}</td>
        <td class="minor">${trace.spans} in ${trace.services} ${trace.services === 1 ? "service" : "services"}</td>
        <td class=${trace.failed ? "failed" : ""}>${trace.failed || ""}</td>
      </tr>`)}</tbody>
    </table>`}`;
}
