// A chart of lines over time, in the colours of the page: of the clock, or since a start. Dragging over
// it chooses that time in the address, so that it holds in all charts and views until it is taken back.

import { useEffect, useRef, useState } from "./vendor/preact-hooks.js";
import { signal } from "./vendor/signals.js";
import UPlot from "./vendor/uplot.js";
import { choose, place } from "./state.js";
import { clock, elapsed, html } from "./ui.js";

/** @import { Values } from "./answers.d.ts" */

/** How lines of a second run differ from those of the first. */
const DASH = [7, 5];

const HEIGHT = 165;
/** As the style sheet names them; lines beyond begin again. */
const COLOURS = ["--accent", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6", "--line-7", "--line-8"];
/** What is dragged over less than this is a click. */
const DRAG_PX = 8;
const DAY_S = 86400;
/** Between ticks, in seconds. */
const INCREMENTS = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, DAY_S, 7 * DAY_S];

/** The system's setting: a chart is drawn again when it changes. */
const dark = matchMedia("(prefers-color-scheme: dark)");
const scheme = signal(dark.matches);
dark.addEventListener("change", () => { scheme.value = dark.matches; });

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

/**
 * Write the ticks of a time axis: in 24 hours; a day's first one as the day.
 * @param {number[]} ticks in seconds
 * @param {number} step between two
 */
function hours(ticks, step) {
  return ticks.map((tick) => {
    const at = new Date(tick * 1000);
    if (step >= DAY_S || at.getHours() + at.getMinutes() === 0) return at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
    const [hour, minute, second] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((number) => String(number).padStart(2, "0"));
    return step < 60 ? `${hour}:${minute}:${second}` : `${hour}:${minute}`;
  });
}

/** @typedef {{ name: string, failed: boolean, second: boolean, number: number }} LineOf */
/** @typedef {(value: number) => string} Write */

/** @param {LineOf} line */
function colourOf({ failed, number }) {
  return failed ? "--failed" : COLOURS[number % COLOURS.length];
}

/**
 * @param {object} about
 * @param {number} about.width
 * @param {LineOf[]} about.names
 * @param {Write} about.write
 * @param {(name: string) => string} about.colour
 * @param {boolean} about.sinceStart
 * @param {(index: number | null) => void} about.onCursor
 * @returns {UPlot.Options}
 */
function options({ width, names, write, colour, sinceStart, onCursor }) {
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: !sinceStart, range: shownTime(sinceStart) }, y: { range: (_, least, most) => [Math.min(0, least ?? 0), (most || 1) * 1.08] } },
    axes: [
      { ...axis, size: 28, incrs: INCREMENTS, space: 70, values: (_, ticks, __, ___, step) => (sinceStart ? ticks.map(elapsed) : hours(ticks, step)) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map(write) },
    ],
    legend: { show: false },
    cursor: { y: false, sync: { key: "charts" }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => { choose({ from: "", to: "" }); return null; } } },
    hooks: {
      setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)],
      setSelect: [(chart) => {
        const { left, width: wide } = chart.select;
        if (wide < DRAG_PX) return;
        const [from, to] = [left, left + wide].map((at) => String(Math.round(chart.posToVal(at, "x") * 1000)));
        chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        choose({ from, to });
      }],
    },
    series: [
      {},
      ...names.map((line) => ({
        stroke: colour(colourOf(line)),
        fill: names.length === 1 ? `${colour(colourOf(line))}1f` : undefined,
        dash: line.second ? DASH : undefined,
        width: 1.8,
        points: { size: 5, show: false, filter: isolated },
      })),
    ],
  };
}

/**
 * The ends of the time axis: the chosen time, or all that is there.
 * @param {boolean} sinceStart
 * @returns {UPlot.Range.Function}
 */
function shownTime(sinceStart) {
  return (_, least, most) => {
    const [from, to] = [Number(place.value.options.get("from")), Number(place.value.options.get("to"))];
    return to ? [from / 1000, to / 1000] : [sinceStart ? 0 : least, most];
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
  const frame = useRef(null);
  /** @type {{ current: UPlot | null }} */
  const chart = useRef(null);
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const names = lines.map(({ values, ...about }) => about);
  /** @type {UPlot.AlignedData} */
  const data = [ends.map((end) => end / 1000), ...lines.map(({ values }) => values)];
  const shape = JSON.stringify([names, sinceStart, scheme.value]);
  useEffect(() => {
    const box = frame.current;
    if (!box) return undefined;
    const colours = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => colours.getPropertyValue(name).trim();
    const drawn = new UPlot(options({ width: box.clientWidth, names, write, colour, sinceStart, onCursor: setAt }), data, box);
    chart.current = drawn;
    const resized = new ResizeObserver(() => drawn.setSize({ width: box.clientWidth, height: HEIGHT }));
    resized.observe(box);
    return () => { resized.disconnect(); drawn.destroy(); };
  }, [shape]);
  const range = `${place.value.options.get("from") || ""} ${place.value.options.get("to") || ""}`;
  useEffect(() => { chart.current?.setData(data); }, [data[0][0], data[0].at(-1), JSON.stringify(data.slice(1)), range, shape]);
  const said = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    return known.length ? `${name} ${write(known[known.length - 1])}, at most ${write(Math.max(...known))}` : `${name} unknown`;
  });
  const moment = at === null || ends[at] === undefined ? "" : sinceStart ? elapsed(ends[at] / 1000) : clock(ends[at]);
  return html`<div class="chart" role="img" aria-label="${title}: ${said.join("; ")}">
    <p class="caption">${title} <span class="faint">${moment}</span></p>
    <div ref=${frame}></div>
    <ul class="legend">${lines.map((line, index) => {
      const known = line.values.filter((value) => value !== null);
      const value = at === null ? known[known.length - 1] : line.values[at];
      return html`<li key=${index}><span class="swatch ${line.second ? "dashed" : ""}" style=${{ color: `var(${colourOf(line)})` }}></span>${line.name} <b>${value === null || value === undefined ? "–" : write(value)}</b></li>`;
    })}</ul>
  </div>`;
}
