// The latest traces, filtered by service, kind, failure, name, duration and time.

import { useState } from "./vendor/preact-hooks.js";
import { address, choose, place, system } from "./state.js";
import { Failures, Range } from "./parts.js";
import { Empty, choosing, clock, duration, html, services, stay, useAnswer } from "./ui.js";

/** @import { Answer, Failure, TraceList, TraceSummary } from "./answers.d.ts" */

/** What a trace is of. @type {Record<string, string>} */
const KINDS = { request: "requests", message: "messages", job: "jobs", call: "calls of their own" };
/** The first span of a trace comes so late at most, if nothing goes wrong. */
const UNDER_WAY_MS = 30_000;

/** Bars of the histogram: each is twice as long as the one before, from 100 µs. */
const FIRST_US = 100;
const BARS = 17;
const BAR_PX = 46;

/** @param {{ options: URLSearchParams, paused: boolean, onPause: () => void }} props */
function Filters({ options, paused, onPause }) {
  return html`<form class="filters" onSubmit=${stay}>
    <label>Service <select value=${options.get("service") || ""}
        onChange=${choosing("service")}>
      <option value="">all</option>
      ${services(system.value).map((name) => html`<option value=${name}>${name}</option>`)}
    </select></label>
    <label>Name <input type="search" value=${options.get("name") || ""}
        onInput=${choosing("name")} /></label>
    <label>Kind <select value=${options.get("kind") || ""} onChange=${choosing("kind")}>
      <option value="">all</option>
      ${Object.entries(KINDS).map(([kind, title]) => html`<option value=${kind}>${title}</option>`)}
    </select></label>
    <label><input type="checkbox" checked=${options.get("failed") === "true"}
        onChange=${() => choose({ failed: options.get("failed") ? "" : "true" })} /> failed only</label>
    <label><input type="checkbox" checked=${options.get("all") === "true"}
        onChange=${() => choose({ all: options.get("all") ? "" : "true" })} /> files and probes</label>
    <button type="button" aria-pressed=${paused} onClick=${onPause}>${paused ? "Follow" : "Pause"}</button>
    <${Range} />
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

/**
 * Traces as rows, each with its share of the slowest one's time.
 * @param {{ traces: TraceSummary[] }} props
 */
export function TraceTable({ traces }) {
  const slowest = Math.max(...traces.map((trace) => trace.duration_ns), 1);
  return html`<table class="traces" aria-label="Traces">
    <thead><tr><th scope="col">Started</th><th scope="col" class="minor">Kind</th><th scope="col" class="least">Service</th><th scope="col">Name</th><th scope="col" class="number minor">Status</th><th scope="col">Time</th><th scope="col" class="minor">Spans</th><th scope="col">Failed</th></tr></thead>
    <tbody>${traces.map((trace) => html`<tr key=${trace.trace_id}>
      <td><time>${clock(trace.started_ns / 1e6)}</time></td>
      <td class="minor"><span class="kind ${trace.kind}">${underWay(trace) ? "under way" : trace.kind}</span></td>
      <td class="least">${trace.service}</td>
      <td><a href=${address("traces", trace.trace_id)}>${trace.name}</a></td>
      <td class="number minor ${trace.status && trace.status >= 500 ? "failed" : ""}">${trace.status ?? ""}</td>
      <td class="took-cell"><span class="took-bar minor" aria-hidden="true"><span style=${{ width: `${(100 * trace.duration_ns) / slowest}%` }}></span></span> ${duration(trace.duration_ns / 1e9)}</td>
      <td class="minor">${trace.spans} in ${trace.services} ${trace.services === 1 ? "service" : "services"}</td>
      <td class=${trace.failed ? "failed" : ""}>${trace.failed || ""}</td>
    </tr>`)}</tbody>
  </table>`;
}

/**
 * Whether the first span of a trace is still to come: it ends last.
 * @param {TraceSummary} trace
 */
function underWay({ whole, kind, started_ns: started }) {
  return !whole && kind !== "request" && Date.now() - started / 1e6 < UNDER_WAY_MS;
}

function LatestFailures() {
  /** @type {Answer<Failure[]>} */
  const [content] = useAnswer("/api/failures", 5);
  if (!content?.length) return "";
  return html`<section class="card" aria-labelledby="failures"><h2 id="failures">Latest errors</h2>
    <${Failures} failures=${content} most=${3} /></section>`;
}

export function Traces() {
  const { options } = place.value;
  const [paused, setPaused] = useState(false);
  const asked = new URLSearchParams({ most: "200" });
  for (const name of ["service", "failed", "name", "kind", "all", "least_us", "below_us", "from", "to"]) {
    const value = options.get(name);
    if (value) asked.set(name, value);
  }
  /** @type {Answer<TraceList>} */
  const [content, error] = useAnswer(`/api/traces?${asked}`, paused ? 0 : 2);
  const traces = content?.traces || [];
  return html`
    <${Filters} options=${options} paused=${paused} onPause=${() => setPaused(!paused)} />
    <${LatestFailures} />
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    ${content && traces.length === 0 && html`<${Empty} title="No traces">
      Send a request to the system${options.size ? ", or take a filter away" : ""}.<//>`}
    ${traces.length > 0 && html`<${Histogram} traces=${traces} /><${TraceTable} traces=${traces} />`}`;
}
