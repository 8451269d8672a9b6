// What all views share: where the page is, and the system as the server says it is now.

import { computed, signal } from "./vendor/signals.js";

/** @import { RunningSystem } from "./answers.d.ts" */

/** The system: nodes, edges, undeclared connections; null until the first answer. */
export const system = signal(/** @type {RunningSystem | null} */ (null));
/** Whether the stream of changes is open, and when it said something last, in milliseconds. */
export const connected = signal(true);
export const seenAt = signal(Date.now());

const fragment = signal(location.hash);
// Other fragments are places on the page.
addEventListener("hashchange", () => { if (location.hash.startsWith("#/")) fragment.value = location.hash; });

/** The view, its argument and its options, from `#/traces/ID?failed=true`. */
export const place = computed(() => {
  const [path, query] = fragment.value.replace(/^#\/?/, "").split("?");
  const [view, argument] = path.split("/").map(decodeURIComponent);
  return { view: view || "system", argument: argument || "", options: new URLSearchParams(query) };
});

/**
 * Write the address of a view; options that are empty are left out.
 * @param {string} view
 * @param {string} [argument]
 * @param {Record<string, string>} [options]
 */
export function address(view, argument = "", options = {}) {
  const set = Object.entries(options).filter(([, value]) => value);
  const query = new URLSearchParams(set).toString();
  const path = [view, argument].filter(Boolean).map(encodeURIComponent).join("/");
  return `#/${path}${query && `?${query}`}`;
}

/**
 * Change options of the address; those that become empty are left out.
 * @param {Record<string, string>} changes
 * @param {string} [argument]
 */
export function choose(changes, argument = place.value.argument) {
  const { view, options } = place.value;
  location.hash = address(view, argument, { ...Object.fromEntries(options), ...changes });
}

/**
 * Ask the server; throws its own words where it cannot answer.
 * @param {string} path
 * @param {RequestInit} [options]
 */
export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const content = await answer.text();
  if (!answer.ok) {
    let said = content;
    try { said = JSON.parse(content).error; } catch { /* it is plain text */ }
    throw new Error(said);
  }
  return JSON.parse(content);
}

/** Follow the system's changes; the browser connects again by itself. */
export function follow() {
  const stream = new EventSource("/api/live");
  stream.onopen = () => { connected.value = true; };
  stream.onerror = () => { connected.value = false; };
  stream.onmessage = (event) => {
    const said = JSON.parse(event.data);
    seenAt.value = Date.now();
    if (!said.error) system.value = said;
  };
}
