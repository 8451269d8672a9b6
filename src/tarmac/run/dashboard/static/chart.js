// A chart of lines over time, in the colours of the page: of the clock, or since a start.

import { useEffect, useRef } from "./vendor/preact-hooks.js";
import UPlot from "./vendor/uplot.js";
import { html } from "./ui.js";

/** @import { Values } from "./answers.d.ts" */

/** How lines of a second run differ from those of the first. */
const DASH = [7, 5];

const HEIGHT = 190;
/** As the style sheet names them; lines beyond begin again. */
const COLOURS = ["--accent", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6", "--line-7", "--line-8"];

/**
 * Say which values stand alone: no line leads to them, so they are drawn as points.
 * @param {UPlot} chart
 * @param {number} series
 */
function isolated(chart, series) {
  const values = [...chart.data[series]];
  return values.flatMap((value, index) => (
    value !== null && values[index - 1] == null && values[index + 1] == null ? [index] : []));
}

/** Between ticks of times since a start, in seconds. */
const INCREMENTS = [10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];

/**
 * Write so many seconds since a start: `4:05`, `1:00:00`.
 * @param {number} seconds
 */
function elapsed(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(Math.floor(seconds % 60))}`;
}

/** @typedef {{ name: string, failed: boolean, second: boolean, number: number }} LineOf */
/** @typedef {(value: number) => string} Write */

/**
 * @param {number} width
 * @param {LineOf[]} names
 * @param {Write} write
 * @param {(name: string) => string} colour
 * @param {boolean} sinceStart
 * @returns {UPlot.Options}
 */
function options(width, names, write, colour, sinceStart) {
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    scales: { x: sinceStart ? { time: false, range: (_, __, most) => [0, most] } : {}, y: { range: (_, least, most) => [Math.min(0, least ?? 0), (most || 1) * 1.08] } },
    axes: [sinceStart ? { ...axis, incrs: INCREMENTS, values: (_, ticks) => ticks.map(elapsed) } : axis, { ...axis, size: 70, values: (_, ticks) => ticks.map(write) }],
    legend: { live: true, markers: { dash: (drawn, index) => (drawn.series[index].dash ? "dashed" : "solid") } },
    cursor: { y: false },
    series: [
      { label: sinceStart ? "since the start" : "Time", value: (_, at) => (at === null ? "–" : sinceStart ? elapsed(at) : new Date(at * 1000).toLocaleTimeString()) },
      ...names.map(({ name, failed, second, number }) => ({
        label: name,
        stroke: colour(failed ? "--failed" : COLOURS[number % COLOURS.length]),
        dash: second ? DASH : undefined,
        width: 1.6,
        points: { size: 5, show: false, filter: isolated },
        value: (/** @type {UPlot} */ _, /** @type {number | null} */ value) => (value === null ? "–" : write(value)),
      })),
    ],
  };
}

/**
 * Draw lines.
 * @param {object} props
 * @param {string} props.title what is shown, with its unit.
 * @param {number[]} props.ends the moment of each step, in milliseconds.
 * @param {(LineOf & { values: Values })[]} props.lines with the number of its colour, and whether it is of a second run.
 * @param {Write} props.write how a value is written.
 * @param {boolean} [props.sinceStart] whether moments are counted from the start of a run.
 */
export function Chart({ title, ends, lines, write, sinceStart = false }) {
  /** @type {{ current: HTMLElement | null }} */
  const place = useRef(null);
  /** @type {{ current: UPlot | null }} */
  const chart = useRef(null);
  const names = lines.map(({ values, ...about }) => about);
  /** @type {UPlot.AlignedData} */
  const data = [ends.map((end) => end / 1000), ...lines.map(({ values }) => values)];
  const shape = JSON.stringify([names, sinceStart]);
  useEffect(() => {
    const frame = place.current;
    if (!frame) return undefined;
    const colours = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => colours.getPropertyValue(name).trim();
    const drawn = new UPlot(options(frame.clientWidth, names, write, colour, sinceStart), data, frame);
    chart.current = drawn;
    for (const name of frame.querySelectorAll(".u-legend th")) name.setAttribute("scope", "row");
    const resized = new ResizeObserver(() => drawn.setSize({ width: frame.clientWidth, height: HEIGHT }));
    resized.observe(frame);
    return () => { resized.disconnect(); drawn.destroy(); };
  }, [shape]);
  useEffect(() => { chart.current?.setData(data); });
  const said = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    return known.length ? `${name} ${write(known[known.length - 1])}, at most ${write(Math.max(...known))}` : `${name} unknown`;
  });
  return html`<figure class="chart" role="img" aria-label="${title}: ${said.join("; ")}">
    <figcaption>${title}</figcaption>
    <div ref=${place}></div>
  </figure>`;
}
