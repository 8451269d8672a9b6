// What the server answers, by the names of its Python: snapshot.py, metrics.py, messages.py and others.
// Read by type checkers and editors alone; no browser loads it.

export interface Node {
  name: string;
  role: "service" | "task" | "store" | "broker" | "entry";
  about: string;
  state: string;
  /** It ended or failed a moment ago. */
  failed: boolean;
  /** Seconds since the epoch. */
  since: number;
  restarts: number;
  url: string;
  page: string;
  ports: Record<string, number> | null;
  detail: string;
  cause: string;
}

export interface RequestSummary {
  requests: number;
  failed: number;
  p50_s: number | null;
  p95_s: number | null;
  p99_s: number | null;
}

/** Requests of a second; null where none are counted. */
export interface Rates {
  requests_per_s: number | null;
  failed_per_s: number | null;
  p95_s: number | null;
}

export interface Edge extends Rates {
  source: string;
  target: string;
  port: string;
  connections: number | null;
  open: number | null;
  errors: number | null;
  unused: boolean;
  requests: RequestSummary | null;
}

export interface UndeclaredConnection {
  source: string;
  target: string;
  pid: number;
  address: string;
  declaration: string;
}

/** An edge as it is drawn. */
export type DrawnEdge = (Edge & { undeclared?: false }) | (UndeclaredConnection & { undeclared: true });

export interface Activity extends Rates {
  name: string;
  cpu_share: number | null;
  memory_bytes: number | null;
}

/** A service or store with all of its instances. */
export interface Group {
  name: string;
  role: Node["role"];
  about: string;
  nodes: Node[];
  activity: Activity | undefined;
}

export interface RunningSystem {
  system: string;
  namespace: string;
  running: boolean;
  healthy: boolean;
  /** The group of each service that has one. */
  groups: Record<string, string>;
  /** The names of each service's commands. */
  commands: Record<string, string[]>;
  nodes: Node[];
  activities: Activity[];
  edges: Edge[];
  undeclared: UndeclaredConnection[];
  /** Which folders run in place of included repositories. */
  replaced: string[];
}

export interface TraceSummary {
  trace_id: string;
  name: string;
  service: string;
  started_ns: number;
  duration_ns: number;
  spans: number;
  services: number;
  failed: number;
  kind: "request" | "message" | "job" | "call";
  status: number | null;
  /** Whether its first span is here. */
  whole: boolean;
}

/** The same failure of a service, several times. */
export interface Failure { at_ms: number; service: string; what: string; cause: string; trace: string; count: number }

export interface TraceList { traces: TraceSummary[] }

export interface TraceSpan {
  span_id: string;
  parent_id: string;
  depth: number;
  service: string;
  instance: string;
  name: string;
  kind: string;
  offset_ns: number;
  duration_ns: number;
  failed: boolean;
  message: string;
  attributes: Record<string, unknown>;
  events: { name: string; offset_ns: number; attributes: Record<string, unknown> }[];
}

export interface SpanTree { trace_id: string; spans: TraceSpan[] }

export interface LogLine {
  at: string;
  name: string;
  level: string;
  said: string;
  fields: Record<string, unknown>;
  trace: string;
}

export interface LogLines { lines: LogLine[]; left_out: number; cursor: string }

/** A value of each step; null where nothing is known. */
export type Values = (number | null)[];

export interface Red {
  requests_per_s: Values;
  failed_per_s: Values;
  durations_s: Record<string, Values>;
}

/** What each service did in the last minutes. */
export interface Activities {
  ends_ms: number[];
  services: Record<string, { requests_per_s: Values; failed_per_s: Values; cpu_share: Values }>;
}

export interface SeriesName { name: string; kind: "counter" | "gauge"; labels: string[] }

/** One entry for each run; of the last minutes one, whose run is empty. */
export interface MetricsNow { ends_ms: number[]; runs: { run: string; red: Red }[]; names: SeriesName[] }

export interface SeriesAnswer { ends_ms: number[]; runs: { run: string; lines: Record<string, Values> }[] }

export interface ObservedObjective {
  name: string;
  sentence: string;
  window_s: number;
  counts: { requests: number; bad: number };
  budget_left: number;
  good_share: number | null;
  burns: boolean;
  since_ms: number | null;
  alerts: {
    name: string;
    severity: string;
    burns: Record<string, number>;
    factor: number;
    too_few: boolean;
    state: "inactive" | "pending" | "firing";
  }[];
}

export interface ObjectivesNow { at_ms: number; objectives: ObservedObjective[] }

export interface Variable { name: string; value: string; origin: string }

export interface Explained { name: string; place: string; env?: Variable[] }

export interface Configuration { services: Explained[] }

export interface CatalogueService {
  name: string;
  owner: string;
  about: string;
  calls: string[];
  called_by: string[];
  stores: string[];
  externals: string[];
  publishes: string[];
  consumes: string[];
  objectives: string[];
  apis: {
    name: string;
    kind: string;
    path: string;
    operations: { method: string; path: string; summary: string; answers: string[] }[];
  }[];
  latest_drill: { name: string; verdict: string; day: string } | null;
  month_usd: number | null;
  runbooks: string[];
}

export interface Catalogue { owner: string; environment: string; services: CatalogueService[]; stores: { name: string }[] }

export interface RunRequests {
  requests: number;
  per_s: number;
  failed_share: number | null;
  p50_s: number | null;
  p95_s: number | null;
  p99_s: number | null;
}

export interface ServiceComparison { service: string; before: RunRequests | null; after: RunRequests | null }

export interface RunsNow {
  runs: { name: string; began_ms: number; until_ms: number }[];
  services: ServiceComparison[];
}

export interface Backlog {
  service: string;
  outbox: number | null;
  oldest_s: number | null;
  messages: Record<string, number>;
  jobs: Record<string, number>;
}

export interface Flow {
  service: string;
  topic: string;
  group: string;
  result: string;
  total: number;
  per_s: number;
}

export interface DeadLetter {
  id: string;
  kind: string;
  what: string;
  key: string;
  failures: number;
  error: string;
  since: string;
  behind: number;
  payload: string;
}

export interface MessagesNow {
  waiting: Backlog[];
  flows: Flow[];
  dead_letters: DeadLetter[];
  count: number;
  unread: string[];
}

export interface Statistic { name: string; value: number; unit: string }

export interface StoreStatistics { title: string; error: string; statistics: Statistic[] }

export interface Operation {
  service: string;
  name: string;
  count: number;
  mean_s: number;
  longest_s: number;
  total_s: number;
  failed: number;
}

export interface StoresNow { stores: Record<string, StoreStatistics>; operations: Operation[] }

export interface TimelineEvent { at: number; node: string; state: string; pid: number | null; detail: string }

export interface TimelineNow { events: TimelineEvent[] }

/** What is known of an answer, and why there is none. */
export type Answer<T> = [T | null, string | null];
