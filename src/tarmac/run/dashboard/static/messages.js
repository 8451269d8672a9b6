// Messages and jobs: what waits and flows, and the dead letters, which can be replayed or deleted.

import { useState } from "./vendor/preact-hooks.js";
import { address, ask } from "./state.js";
import { Empty, amount, clock, duration, html, useAnswer, wordsOf } from "./ui.js";

/** @import { Answer, Backlog, DeadLetter, Flow, MessagesNow } from "./answers.d.ts" */

/** @type {Record<string, string>} */
const STATES = { parked: "dead-lettered", waiting: "to be retried" };

/**
 * Write counts by state: `2 queued, 1 dead-lettered`; empty for none.
 * @param {Record<string, number>} states
 */
function counts(states) {
  return Object.entries(states).filter(([, count]) => count)
    .map(([state, count]) => `${amount(count)} ${STATES[state] || state}`).join(", ");
}

/** @param {{ waiting: Backlog[] }} props */
function Waiting({ waiting }) {
  return html`<table aria-label="What waits">
    <thead><tr><th scope="col">Service</th><th scope="col">Outbox</th><th scope="col" class="minor">Oldest</th><th scope="col">Messages that failed</th><th scope="col">Jobs</th></tr></thead>
    <tbody>${waiting.map((one) => html`<tr key=${one.service}>
      <td><a href=${address("system", one.service)}>${one.service}</a></td>
      <td>${one.outbox === null ? "–" : `${amount(one.outbox)} to publish`}</td>
      <td class="minor">${one.outbox ? duration(one.oldest_s) : "–"}</td>
      <td class=${one.messages.parked ? "failed" : ""}>${counts(one.messages) || "none"}</td>
      <td class=${one.jobs.parked ? "failed" : ""}>${counts(one.jobs) || "none"}</td>
    </tr>`)}</tbody>
  </table>`;
}

/** @param {{ flows: Flow[] }} props */
function Flows({ flows }) {
  const used = flows.filter((flow) => flow.total > 0);
  if (used.length === 0) return html`<p class="faint">Nothing was published or consumed yet.</p>`;
  return html`<table aria-label="What flows">
    <thead><tr><th scope="col">Topic</th><th scope="col">Service</th><th scope="col">Does</th><th scope="col">Per second</th><th scope="col">In all</th></tr></thead>
    <tbody>${used.map((flow) => html`<tr key=${flow.topic + flow.service + flow.group + flow.result}>
      <td>${flow.topic}</td><td>${flow.service}</td>
      <td class=${flow.result === "parked" ? "failed" : ""}>${flow.result ? `consumes: ${STATES[flow.result] || flow.result}` : "publishes"}</td>
      <td>${amount(flow.per_s)}</td><td>${amount(flow.total)}</td>
    </tr>`)}</tbody>
  </table>`;
}

/** @param {string} payload */
function written(payload) {
  try { return JSON.stringify(JSON.parse(payload), null, 2); } catch { return payload; }
}

/** @param {{ letter: DeadLetter, onChanged: () => void }} props */
function Letter({ letter, onChanged }) {
  const [said, setSaid] = useState("");
  const [asked, setAsked] = useState(false);
  /** @param {"drop" | "replay"} how */
  async function change(how) {
    setSaid(how === "drop" ? "deleting…" : "replaying…");
    try {
      await ask(`/api/dead-letters/${how}?${new URLSearchParams({ id: letter.id })}`, { method: "POST" });
      setSaid(how === "drop" ? "deleted" : "will be retried");
      onChanged();
    } catch (error) {
      setSaid(wordsOf(error));
    }
  }
  return html`<article class="letter">
    <h3>${letter.what}</h3>
    <p>${letter.kind} <code>${letter.id}</code>${letter.key && html`, key <code>${letter.key}</code>`} ·
      failed ${letter.failures} times, the last ${clock(Date.parse(letter.since))}
      ${letter.behind > 0 && html` · ${letter.behind} later ones of its key wait behind it`}</p>
    <p class="failed">${letter.error}</p>
    <details><summary>Payload</summary><pre tabindex="0">${written(letter.payload)}</pre></details>
    <p class="actions">
      <button type="button" onClick=${() => change("replay")} aria-label="Replay ${letter.id}">Replay</button>
      ${asked
        ? html`<button type="button" class="danger" onClick=${() => change("drop")}>Delete it for good</button>
            <button type="button" onClick=${() => setAsked(false)}>Keep it</button>`
        : html`<button type="button" onClick=${() => setAsked(true)} aria-label="Delete ${letter.id}">Delete</button>`}
      <span role="status">${said}</span>
    </p>
  </article>`;
}

export function Messages() {
  const [changes, setChanges] = useState(0);
  /** @type {Answer<MessagesNow>} */
  const [content, error] = useAnswer(`/api/messages?after=${changes}`, 5);
  if (error && !content) return html`<${Empty} title="Not to be read now">${error}<//>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  const { waiting, flows, dead_letters: letters, count, unread } = content;
  if (!waiting.length && !flows.length && !count) {
    return html`<${Empty} title="No messages">No service of this system publishes, consumes or has jobs
      that Tarmac can read; services of the kit do.<//>`;
  }
  return html`
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    <${Waiting} waiting=${waiting} />
    <h2>What flows</h2>
    <${Flows} flows=${flows} />
    <h2>Dead letters</h2>
    ${count === 0 && html`<p class="faint">None: whatever failed was retried with success.</p>`}
    ${count > letters.length && html`<p>${count}, of which these are the first ${letters.length}.</p>`}
    ${unread.length > 0 && html`<p class="faint">Those of ${unread.join(", ")} are on the broker: they have no database.</p>`}
    <div class="cards">${letters.map((letter) => html`
      <${Letter} key=${letter.id} letter=${letter} onChanged=${() => setChanges(changes + 1)} />`)}</div>`;
}
