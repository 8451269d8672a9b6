// What can be done to a service or store, and what is being done: rows, pages and the graph show the same.

import { signal } from "./vendor/signals.js";
import { useState } from "./vendor/preact-hooks.js";
import { address, ask, system } from "./state.js";
import { Copy } from "./parts.js";
import { given, html, stay, wordsOf } from "./ui.js";

/** @import { Group } from "./answers.d.ts" */

/** What is being done to each, or what came of it. */
export const doing = signal(/** @type {Record<string, { words: string, busy: boolean }>} */ ({}));
const SHOWN_MS = 8000;
const MOST_INSTANCES = 20;

/**
 * @param {string} name
 * @param {string} words
 * @param {boolean} busy
 */
function say(name, words, busy) {
  const said = { words, busy };
  doing.value = { ...doing.value, [name]: said };
  if (busy) return;
  setTimeout(() => {
    if (doing.value[name] !== said) return;
    const { [name]: _, ...others } = doing.value;
    doing.value = others;
  }, SHOWN_MS);
}

/**
 * Ask for something to be done to a service or store, and say what comes of it.
 * @param {string} name
 * @param {"restart" | "stop" | "start" | "scale"} verb
 * @param {number} [instances]
 */
export async function act(name, verb, instances) {
  const [now, then] = { restart: ["restarting…", "restarted"], stop: ["stopping…", "stopped"], start: ["starting…", "started"], scale: ["scaling…", "scaled"] }[verb];
  say(name, now, true);
  try {
    const path = `/api/${verb}/${encodeURIComponent(name)}${instances ? `?instances=${instances}` : ""}`;
    const { failed } = await ask(path, { method: "POST" });
    say(name, Object.values(failed).join("; ") || then, false);
  } catch (error) {
    say(name, wordsOf(error), false);
  }
}

/** @param {Group} group */
export function runs(group) {
  return group.nodes.some((node) => !["outside", "off"].includes(node.state));
}

/** @param {{ name: string }} props */
export function Said({ name }) {
  return html`<span role="status" class="said">${doing.value[name]?.words || ""}</span>`;
}

/**
 * A button that asks once more before it does what others notice.
 * @param {{ name: string }} props
 */
function Stop({ name }) {
  const [asked, setAsked] = useState(false);
  return asked
    ? html`<button type="button" class="danger" onClick=${() => { setAsked(false); act(name, "stop"); }}>Stop it, though its callers will fail</button>`
    : html`<button type="button" class="stay" onClick=${() => setAsked(true)}>Stop</button>`;
}

/**
 * What a menu of a row offers.
 * @param {{ group: Group }} props
 */
export function MenuItems({ group }) {
  const { name, role, nodes } = group;
  const busy = doing.value[name]?.busy;
  const page = nodes.find((node) => node.page)?.page;
  const isService = role === "service";
  if (!system.value?.running) return html`<a href=${address("logs", "", { node: name })}>Logs</a><a href=${address("timeline", name)}>Events</a>`;
  return html`
    ${page && html`<a href=${page} target="_blank" rel="noreferrer">Open its page</a>`}
    <a href=${address("logs", "", { node: name })}>Logs</a>
    ${isService && html`<a href=${address("traces", "", { service: name })}>Traces</a><a href=${address("metrics", name)}>Metrics</a>`}
    <a href=${address("graph", name)}>In the graph</a>
    ${!isService && html`<${Copy} text="tarmac connect ${name}" what="command that opens ${name}">Copy <code>tarmac connect ${name}</code><//>`}
    ${(system.value.commands[name] ?? []).map((/** @type {string} */ command) => html`
      <${Copy} text="tarmac run ${name} ${command}" what="command ${command} of ${name}">Copy <code>tarmac run ${name} ${command}</code><//>`)}
    ${runs(group) && html`<button type="button" disabled=${busy} onClick=${() => act(name, "restart")}>Restart</button>`}
    ${isService && (runs(group)
      ? html`
        <button type="button" disabled=${busy || nodes.length >= MOST_INSTANCES} onClick=${() => act(name, "scale", nodes.length + 1)}>One more instance</button>
        ${nodes.length > 1 && html`<button type="button" disabled=${busy} onClick=${() => act(name, "scale", nodes.length - 1)}>One instance fewer</button>`}
        <${Stop} name=${name} />`
      : html`<button type="button" disabled=${busy} onClick=${() => act(name, "start")}>Start</button>`)}`;
}

/**
 * The same as buttons, of the page of a service or store.
 * @param {{ group: Group }} props
 */
export function Actions({ group }) {
  const { name, role, nodes } = group;
  const [wanted, setWanted] = useState(nodes.length);
  const busy = doing.value[name]?.busy;
  if (!system.value?.running) return "";
  if (role === "service" && !runs(group)) {
    return html`<p class="actions"><button type="button" disabled=${busy} onClick=${() => act(name, "start")}>Start</button><${Said} name=${name} /></p>`;
  }
  return html`<form class="actions" onSubmit=${stay}>
    <button type="button" disabled=${busy} onClick=${() => act(name, "restart")}>Restart</button>
    ${role === "service" && html`<${Stop} name=${name} />
      <label>Instances <input type="number" min="1" max=${MOST_INSTANCES} value=${wanted} onInput=${given((value) => setWanted(Number(value)))} /></label>
      <button type="button" disabled=${busy || wanted === nodes.length} onClick=${() => act(name, "scale", wanted)}>Scale</button>`}
    <${Said} name=${name} />
  </form>`;
}
