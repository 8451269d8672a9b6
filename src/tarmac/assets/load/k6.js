// LOAD_TITLE: recorded once, and yours to edit.
//
//   k6 run load.js
//   k6 run -e URL_API_GATEWAY=https://staging.example.com load.js
//
// Visits begin at the drill's rates however long others take (an open model), each visit as one of
// the recorded ones in turn. A request whose status is of another kind than the recorded one has
// failed. What the journey chooses by an answer (a product that is left) it does not choose again, and
// what it polls for is asked for once.
import http from 'k6/http';
import exec from 'k6/execution';
import { check, fail } from 'k6';
import { Rate } from 'k6/metrics';

const LOAD = RECORDED_LOAD;

const rates = LOAD.stages.map((stage) => stage.rate);
const mostOpen = Math.ceil(Math.max(...rates) * LOAD.timeout_s);
const goodVisits = new Rate('good_visits');
const thresholds = {};
if (LOAD.success_percent !== null) {
  thresholds.good_visits = [`rate>=${LOAD.success_percent / 100}`];
}
if (LOAD.p99_s !== null) {
  thresholds['iteration_duration{scenario:visits}'] = [`p(99)<=${LOAD.p99_s * 1000}`];
}

export const options = {
  setupTimeout: '120s',
  scenarios: {
    visits: {
      executor: 'ramping-arrival-rate',
      // k6 takes whole numbers of visits.
      timeUnit: '60s',
      startRate: Math.round(rates[0] * 60),
      preAllocatedVUs: Math.min(mostOpen, 50),
      maxVUs: mostOpen,
      stages: LOAD.stages.flatMap(({ rate, seconds }) => [
        { target: Math.round(rate * 60), duration: '0s' },
        { target: Math.round(rate * 60), duration: `${Math.round(seconds * 1000)}ms` },
      ]),
    },
  },
  thresholds,
};

function generated(sample) {
  return sample.replace(/[0-9a-f]/g, () => Math.floor(Math.random() * 16).toString(16));
}

function filled(text, known) {
  return text.replace(/\$\{(\w+)\}/g, (whole, name) => (name in known ? known[name] : whole));
}

function urlOf(service) {
  return __ENV[`URL_${service.toUpperCase().replace(/\W/g, '_')}`] || LOAD.urls[service];
}

function send(request, known) {
  for (const name of Object.keys(request.fresh)) known[name] = generated(request.fresh[name]);
  const headers = {};
  for (const name of Object.keys(request.headers)) {
    headers[name] = filled(request.headers[name], known);
  }
  const params = {
    headers,
    timeout: `${LOAD.timeout_s}s`,
    tags: { name: `${request.method} ${request.path}` },
  };
  const url = urlOf(request.service) + filled(request.path, known);
  const body = request.body === '' ? null : filled(request.body, known);
  const response = http.request(request.method, url, body, params);
  const asked = Math.floor(request.status / 100);
  const label = `${request.method} ${request.path} gives ${asked}xx`;
  if (!check(response, { [label]: (r) => Math.floor(r.status / 100) === asked })) {
    return false;
  }
  for (const name of Object.keys(request.save)) {
    known[name] = request.save[name].reduce((value, key) => value[key], response.json());
  }
  return true;
}

export function setup() {
  const known = {};
  for (const request of LOAD.before) {
    if (!send(request, known)) fail(`the set-up failed at ${request.path}`);
  }
  return known;
}

export default function (before) {
  const known = Object.assign({}, before);
  const visit = LOAD.visits[exec.scenario.iterationInTest % LOAD.visits.length];
  goodVisits.add(visit.every((request) => send(request, known)));
}
