// Tarmac in VS Code: the systems of a workspace with their state, and mistakes in their files.
// It asks the `tarmac` command with --json or SARIF, and knows nothing of a system by itself.
"use strict";

const { execFile } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");

const EVERY_MS = 3000;
const CHECK_MS = 60_000;
/** The exit code of a command that is not there, as shells have it. */
const MISSING = 127;
const MOST_BYTES = 32 * 1024 * 1024;
const CHECKED = /(\.(ya?ml|json|tf|tfvars|sh)|Dockerfile[^/]*)$/;
const COLOURS = {
  healthy: "testing.iconPassed", running: "testing.iconPassed", done: "testing.iconPassed",
  unhealthy: "testing.iconFailed", "crash loop": "testing.iconFailed",
  backoff: "testing.iconQueued", starting: "testing.iconQueued",
};
const ICONS = { service: "server-process", store: "database", task: "tasklist" };

/** Find the command: the setting, the nearest virtual environment, PATH. */
function command(folder) {
  const set = vscode.workspace.getConfiguration("tarmac").get("command");
  if (set) return set;
  for (let at = folder; ; at = path.dirname(at)) {
    const own = path.join(at, ".venv", "bin", "tarmac");
    if (fs.existsSync(own)) return own;
    if (at === path.dirname(at)) return "tarmac";
  }
}

function namespace() {
  return vscode.workspace.getConfiguration("tarmac").get("namespace");
}

/** Run a verb; return its exit code and what it printed. */
function ask(folder, ...args) {
  const options = { cwd: folder, timeout: CHECK_MS, maxBuffer: MOST_BYTES };
  return new Promise((resolve) => {
    execFile(command(folder), args, options, (error, output, errors) => {
      const code = error === null ? 0 : error.code === "ENOENT" ? MISSING : error.code;
      resolve({ code, output, errors });
    });
  });
}

/** Ask for JSON: what it says, or the errors in place of it. */
async function json(folder, ...args) {
  const { code, output, errors } = await ask(folder, ...args, "--json");
  if (code === MISSING) return { errors: "", missing: true };
  try {
    const found = JSON.parse(output);
    return code < 2 && !found.error ? { found, errors: "" } : { errors };
  } catch {
    return { errors };
  }
}

/** Split FILE:LINE:COLUMN, of which the numbers may be missing. */
function placed(folder, text) {
  const found = /^(.*?)(?::(\d+))?(?::(\d+))?$/.exec(text);
  const line = Math.max(0, Number(found[2] ?? 1) - 1);
  const column = Math.max(0, Number(found[3] ?? 1) - 1);
  return { file: path.resolve(folder, found[1]), position: new vscode.Position(line, column) };
}

/** Tell a place in an included revision (URL@REVISION/FILE:...), which is no file here. */
function isElsewhere(place) {
  return /^(\w+:\/\/|[\w.-]+@[\w.-]+:)/.test(place);
}

// What is wrong with the files of a folder.

class Diagnostics {
  constructor() {
    this.ofModel = vscode.languages.createDiagnosticCollection("tarmac");
    this.ofFiles = vscode.languages.createDiagnosticCollection("tarmac verify");
    this.running = new Map();
  }

  dispose() {
    this.ofModel.dispose();
    this.ofFiles.dispose();
  }

  /** Show the errors of systems' files, all at once, at their places. */
  models(systems) {
    const found = new Map();
    for (const { folder, file, errors } of systems) {
      for (const line of errors.split("\n")) {
        const parts = /^(\S.*?:\d+:\d+): (.*)$/.exec(line);
        if (!parts) continue;
        const [where, what] = isElsewhere(parts[1]) ? [file, line] : parts.slice(1);
        add(found, folder, where, what, "", vscode.DiagnosticSeverity.Error);
      }
    }
    this.ofModel.clear();
    for (const [name, list] of found) this.ofModel.set(vscode.Uri.file(name), list);
  }

  /** Ask all gates that need no model about a folder; a second call waits for the first. */
  async files(folder) {
    if (this.running.has(folder)) {
      this.running.set(folder, true);
      return;
    }
    this.running.set(folder, false);
    const { output } = await ask(folder, "verify", "--files", ".", "--format", "sarif");
    const again = this.running.get(folder);
    this.running.delete(folder);
    this.show(folder, output);
    if (again) await this.files(folder);
  }

  show(folder, output) {
    let report;
    try {
      report = JSON.parse(output);
    } catch {
      return; // nothing that a gate reads, or no command: the tree says so
    }
    const found = new Map();
    for (const result of report.runs[0].results) {
      const place = result.locations?.[0]?.physicalLocation;
      if (!place) continue;
      const { startLine = 1, startColumn = 1 } = place.region ?? {};
      const where = `${decodeURIComponent(place.artifactLocation.uri)}:${startLine}:${startColumn}`;
      const severity = result.level === "error"
        ? vscode.DiagnosticSeverity.Error
        : vscode.DiagnosticSeverity.Warning;
      add(found, folder, where, result.message.text, result.ruleId, severity);
    }
    this.ofFiles.clear();
    for (const [name, list] of found) this.ofFiles.set(vscode.Uri.file(name), list);
  }
}

function add(found, folder, where, text, rule, severity) {
  const { file, position } = placed(folder, where);
  const end = new vscode.Position(position.line, position.character + 1);
  const one = new vscode.Diagnostic(new vscode.Range(position, end), text, severity);
  one.source = "tarmac";
  if (rule) one.code = rule;
  found.set(file, [...(found.get(file) ?? []), one]);
}

// The systems of the workspace, and what runs of each.

class Systems {
  constructor(diagnostics) {
    this.diagnostics = diagnostics;
    this.changed = new vscode.EventEmitter();
    this.onDidChangeTreeData = this.changed.event;
    this.known = [];
    this.shown = "";
    this.forget();
  }

  /** Read what files say again at the next refresh; in between only what runs is asked. */
  forget() {
    this.files = null;
    this.models = new Map();
  }

  /** Read every system again, and draw the tree if anything is different. */
  async refresh() {
    this.files ??= vscode.workspace.findFiles("**/tarmac.yaml", "**/{node_modules,.venv}/**");
    const systems = await Promise.all((await this.files).map((file) => this.read(file.fsPath)));
    const shown = JSON.stringify(systems);
    if (shown === this.shown) return;
    this.shown = shown;
    this.known = systems.sort((one, other) => one.file.localeCompare(other.file));
    this.diagnostics.models(systems);
    this.changed.fire();
  }

  /** Read what a system's file says; what has errors is read again each time. */
  async model(file) {
    const [models, key] = [this.models, `${namespace()} ${file}`];
    if (!models.has(key)) {
      const read = await json(path.dirname(file), "explain", file, "-n", namespace());
      if (!read.found) return read;
      models.set(key, read);
    }
    return models.get(key);
  }

  async read(file) {
    const folder = path.dirname(file);
    const [{ found: model, errors, missing }, { found: status }] = await Promise.all([
      this.model(file),
      json(folder, "ps", file, "-n", namespace()),
    ]);
    const running = status?.running ?? false;
    const parts = running ? status.nodes : declared(model);
    const place = new Map(
      [...(model?.services ?? []), ...(model?.stores ?? [])].map((one) => [one.name, one.place]),
    );
    const nodes = parts.map((one) => ({
      name: one.name, role: one.role, state: one.state, detail: one.detail ?? "",
      url: one.page || one.url || "", folder, file,
      place: place.get(one.service ?? one.name) ?? place.get(one.name.split(":")[0]) ?? "",
    }));
    const name = model?.name ?? path.basename(folder);
    const dashboard = status?.dashboard ?? "";
    return { file, folder, name, running, errors, missing, dashboard, nodes };
  }

  getChildren(of) {
    if (of === undefined) return this.known;
    return of.nodes ?? [];
  }

  getTreeItem(one) {
    return one.nodes ? systemItem(one) : nodeItem(one);
  }
}

/** List the services and stores of a system that does not run. */
function declared(model) {
  const made = (list, role) => (list ?? []).map((one) => ({ name: one.name, role, state: "stopped" }));
  return [...made(model?.services, "service"), ...made(model?.stores, "store")];
}

function systemItem(system) {
  const item = new vscode.TreeItem(system.name, vscode.TreeItemCollapsibleState.Expanded);
  item.id = system.file;
  item.description = summary(system);
  item.contextValue = "system";
  item.resourceUri = vscode.Uri.file(system.file);
  item.iconPath = new vscode.ThemeIcon(system.running ? "vm-running" : "vm-outline");
  return item;
}

function summary(system) {
  if (system.missing) return "no tarmac command; see the setting tarmac.command";
  if (system.errors) return "its file has errors";
  if (!system.running) return "stopped";
  const well = system.nodes.filter((one) => COLOURS[one.state] === COLOURS.healthy).length;
  return `${well} of ${system.nodes.length} well`;
}

function nodeItem(node) {
  const item = new vscode.TreeItem(node.name);
  item.id = `${node.file}#${node.name}`;
  item.description = node.state;
  item.tooltip = [node.detail, node.url].filter(Boolean).join("\n") || node.state;
  item.accessibilityInformation = { label: `${node.name} ${node.state}` };
  item.contextValue = `${node.role}${node.url.startsWith("http") ? " page" : ""}`;
  const colour = COLOURS[node.state] && new vscode.ThemeColor(COLOURS[node.state]);
  item.iconPath = new vscode.ThemeIcon(ICONS[node.role] ?? "circle", colour);
  if (node.place && !isElsewhere(node.place)) {
    const { file, position } = placed(node.folder, node.place);
    const options = { selection: new vscode.Range(position, position) };
    const title = "Show Where It Is Declared";
    item.command = { title, command: "vscode.open", arguments: [vscode.Uri.file(file), options] };
  }
  return item;
}

// Commands: verbs as tasks, whose terminal stays with what they printed.

function inTerminal(title, folder, ...args) {
  const run = new vscode.ProcessExecution(command(folder), args, { cwd: folder });
  const scope = vscode.TaskScope.Workspace;
  return vscode.tasks.executeTask(new vscode.Task({ type: "tarmac", args }, scope, title, "tarmac", run));
}

async function chosen(systems, given) {
  if (given) return given;
  const picked = await vscode.window.showQuickPick(
    systems.known.map((one) => ({ label: one.name, description: one.file, one })),
    { placeHolder: "Which system?" },
  );
  return picked?.one;
}

function activate(context) {
  const diagnostics = new Diagnostics();
  const systems = new Systems(diagnostics);
  const view = vscode.window.createTreeView("tarmac.systems", { treeDataProvider: systems });
  const refresh = () => systems.refresh();
  const reread = () => (systems.forget(), refresh());
  const written = vscode.workspace.createFileSystemWatcher("**/{tarmac,service}.yaml");
  const timer = setInterval(() => view.visible && refresh(), EVERY_MS);
  const folders = () => (vscode.workspace.workspaceFolders ?? []).map((one) => one.uri.fsPath);

  const onSystem = (id, act) => vscode.commands.registerCommand(id, async (given) => {
    const system = await chosen(systems, given);
    if (system) await act(system);
  });
  const verb = (id, name, ...more) => onSystem(id, (one) => {
    const part = one.nodes ? [] : [one.name];
    inTerminal(`tarmac ${name}`, one.folder, name, one.file, ...part, "-n", namespace(), ...more);
  });
  const saved = (document) => {
    const name = path.basename(document.fileName);
    const wanted = vscode.workspace.getConfiguration("tarmac").get("checkOnSave");
    const folder = vscode.workspace.getWorkspaceFolder(document.uri);
    if (wanted && folder && CHECKED.test(name)) diagnostics.files(folder.uri.fsPath);
  };
  const check = () => Promise.all(folders().map((folder) => diagnostics.files(folder)));

  context.subscriptions.push(
    view, diagnostics, { dispose: () => clearInterval(timer) }, written,
    written.onDidChange(reread), written.onDidCreate(reread), written.onDidDelete(reread),
    vscode.workspace.onDidSaveTextDocument(saved),
    view.onDidChangeVisibility(() => view.visible && refresh()),
    vscode.commands.registerCommand("tarmac.init", () => {
      const [folder] = folders();
      if (folder) inTerminal("tarmac init", folder, "init");
    }),
    vscode.commands.registerCommand("tarmac.check", check),
    verb("tarmac.up", "up", "-d"), verb("tarmac.down", "down"), verb("tarmac.start", "start"),
    verb("tarmac.stop", "stop"), verb("tarmac.restart", "restart"), verb("tarmac.logs", "logs", "-f"),
    verb("tarmac.connect", "connect"),
    onSystem("tarmac.open", (one) => vscode.env.openExternal(vscode.Uri.parse(one.url))),
    onSystem("tarmac.dashboard", (one) => one.running
      ? vscode.env.openExternal(vscode.Uri.parse(one.dashboard))
      : inTerminal("tarmac dashboard", one.folder, "dashboard", one.file, "-n", namespace())),
  );
  refresh().then(check);
}

module.exports = { activate };
