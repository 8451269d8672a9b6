// Two traces beside each other: which operations took longer in one of them.

import { address } from "./state.js";
import { Empty, duration, html, useAnswer } from "./ui.js";

/** @import { Answer, SpanTree, TraceSpan } from "./answers.d.ts" */

/**
 * Count the spans of each operation, and add up what they took themselves, without their children.
 * @param {TraceSpan[]} spans
 */
function operations(spans) {
  const own = new Map(spans.map((span) => [span.span_id, span.duration_ns]));
  for (const span of spans) {
    const above = own.get(span.parent_id);
    if (above !== undefined) own.set(span.parent_id, Math.max(0, above - span.duration_ns));
  }
  /** @type {Map<string, { count: number, ns: number }>} */
  const found = new Map();
  for (const span of spans) {
    const key = `${span.service} ${span.name}`;
    const { count, ns } = found.get(key) || { count: 0, ns: 0 };
    found.set(key, { count: count + 1, ns: ns + (own.get(span.span_id) ?? 0) });
  }
  return found;
}

/** @param {TraceSpan[]} spans */
function total(spans) {
  return Math.max(...spans.map((span) => span.offset_ns + span.duration_ns), 0);
}

/** @param {{ id: string, other: string }} props */
export function Compare({ id, other }) {
  /** @type {Answer<SpanTree>} */
  const [one, oneError] = useAnswer(`/api/traces/${encodeURIComponent(id)}`, 0);
  /** @type {Answer<SpanTree>} */
  const [two, twoError] = useAnswer(`/api/traces/${encodeURIComponent(other)}`, 0);
  if (oneError || twoError) return html`<${Empty} title="No such trace">${oneError || twoError}<//>`;
  if (!one || !two) return html`<${Empty} title="Looking…" />`;
  const [first, second] = [operations(one.spans), operations(two.spans)];
  const none = { count: 0, ns: 0 };
  const rows = [...new Set([...first.keys(), ...second.keys()])]
    .map((name) => ({ name, before: first.get(name) || none, after: second.get(name) || none }))
    .map((row) => ({ ...row, more: row.after.ns - row.before.ns }))
    .sort((a, b) => Math.abs(b.more) - Math.abs(a.more));
  const link = (/** @type {SpanTree} */ trace) => html`<a href=${address("traces", trace.trace_id)}><code>${trace.trace_id.slice(0, 8)}</code></a>`;
  return html`
    <p><a href=${address("traces")}>All traces</a></p>
    <h2>${one.spans[0].name}: ${duration(total(one.spans) / 1e9)} and ${duration(total(two.spans) / 1e9)}</h2>
    <p>What each operation took by itself, without what it waited for; the largest difference first.</p>
    <table aria-label="Operations of both traces">
      <thead><tr><th scope="col">Operation</th><th scope="col">${link(one)}</th><th scope="col">${link(two)}</th><th scope="col">Difference</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.name}>
        <td>${row.name}</td>
        ${[row.before, row.after].map(({ count, ns }) => html`<td>${count ? `${duration(ns / 1e9)} (${count})` : "–"}</td>`)}
        <td>${row.more < 0 ? "−" : "+"}${duration(Math.abs(row.more) / 1e9)}</td>
      </tr>`)}</tbody>
    </table>`;
}
