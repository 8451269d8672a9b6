// One trace as a waterfall: a line for each span, where it began and how long it took.

import { useState } from "./vendor/preact-hooks.js";
import { Line } from "./logs.js";
import { address, choose } from "./state.js";
import { Empty, clock, duration, given, html, useAnswer } from "./ui.js";

/** @import { Answer, LogLines, SpanTree, TraceList, TraceSpan } from "./answers.d.ts" */

/** Colours of services, in the order in which they come. */
const COLOURS = 8;

/** @param {{ span: TraceSpan }} props */
function Attributes({ span }) {
  const entries = Object.entries(span.attributes);
  return html`<dl>
    <dt>instance</dt><dd>${span.instance || "–"}</dd>
    <dt>kind</dt><dd>${span.kind}</dd>
    ${span.message && html`<dt>error</dt><dd class="failed">${span.message}</dd>`}
    ${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${typeof value === "object" ? JSON.stringify(value) : String(value)}</dd>`)}
    ${span.events.map((event) => html`<dt>${event.name}</dt>
      <dd>after ${duration(event.offset_ns / 1e9)} ${Object.entries(event.attributes).map(([name, value]) => `${name}=${value}`).join(" ")}</dd>`)}
  </dl>`;
}

/** @param {{ span: TraceSpan, total: number, colour: number, open: boolean, onToggle: () => void }} props */
function Span({ span, total, colour, open, onToggle }) {
  const place = { left: `${(100 * span.offset_ns) / total}%`, width: `max(2px, ${(100 * span.duration_ns) / total}%)` };
  return html`<li class=${span.failed ? "failed" : ""}>
    <button aria-expanded=${open} onClick=${onToggle}>
      <span class="what" style=${{ paddingLeft: `${span.depth}rem` }}>
        <b>${span.service}</b> ${span.name}
      </span>
      <span class="line"><span class="bar service-${colour}" style=${place}></span></span>
      <span class="took">${duration(span.duration_ns / 1e9)}</span>
    </button>
    ${open && html`<${Attributes} span=${span} />`}
  </li>`;
}

/**
 * Choose another trace of the same name, to see both beside each other.
 * @param {{ id: string, name: string }} props
 */
function Others({ id, name }) {
  /** @type {Answer<TraceList>} */
  const [content] = useAnswer(`/api/traces?${new URLSearchParams({ name, most: "30", all: "true" })}`, 0);
  const others = (content?.traces || []).filter((trace) => trace.trace_id !== id);
  if (others.length === 0) return "";
  return html`<label>Compare with <select value="" onChange=${given((value) => choose({ with: value }, id))}>
    <option value="">another ${name}</option>
    ${others.map((trace) => html`<option value=${trace.trace_id}>
      ${clock(trace.started_ns / 1e6)}, ${duration(trace.duration_ns / 1e9)}</option>`)}
  </select></label>`;
}

/** @param {{ id: string }} props */
export function Trace({ id }) {
  /** @type {Answer<SpanTree>} */
  const [content, error] = useAnswer(`/api/traces/${encodeURIComponent(id)}`, 0);
  /** @type {Answer<LogLines>} */
  const [logs] = useAnswer(content && `/api/logs?trace=${content.trace_id}`, 0);
  const [opened, setOpened] = useState(/** @type {Set<string>} */ (new Set()));
  if (error) return html`<${Empty} title="No such trace">${error}<//>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  const { spans } = content;
  const total = Math.max(...spans.map((span) => span.offset_ns + span.duration_ns), 1);
  const services = [...new Set(spans.map((span) => span.service))];
  /** @param {string} span */
  function toggle(span) {
    const next = new Set(opened);
    if (!next.delete(span)) next.add(span);
    setOpened(next);
  }
  return html`
    <p><a href=${address("traces")}>All traces</a></p>
    <h2>${spans[0].name}</h2>
    <p>${spans.length} spans of ${services.length} services in ${duration(total / 1e9)}, <code>${content.trace_id}</code></p>
    <${Others} id=${content.trace_id} name=${spans[0].name} />
    <ol class="waterfall">
      ${spans.map((span) => html`<${Span} key=${span.span_id} span=${span} total=${total}
        colour=${services.indexOf(span.service) % COLOURS}
        open=${opened.has(span.span_id)} onToggle=${() => toggle(span.span_id)} />`)}
    </ol>
    <h2>Its log lines</h2>
    ${logs && logs.lines.length === 0 && html`<p class="faint">No process wrote a line with this trace's id.</p>`}
    <div role="table" aria-label="Log lines of this trace" class="lines">
      ${(logs?.lines || []).map((line) => html`<${Line} line=${line} />`)}
    </div>`;
}
