"""`tarmac explain` says the same of a system whether it runs or not, and writes nothing."""

from __future__ import annotations

import json

from sandbox import PORT, web


def write(box):
    box.write(
        f"""
        tarmac: 1
        system: small
        env: {{COLOUR: blue}}
        services:
          {web("front", PORT, ", calls: [back], secrets: [API_KEY]")}
          {web("back", PORT + 1)}
        """
    )


def explain(box, *args):
    done = box.tarmac("explain", "tarmac.yaml", *args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_system_that_never_ran_is_explained_and_nothing_is_made(sandbox):
    write(sandbox)
    it = explain(sandbox, "front")
    assert it["world"] == {"http": PORT}
    assert it["states"] == {}
    assert not (sandbox.folder / ".tarmac").exists()


def test_what_runs_is_explained_with_its_real_ports_and_states(sandbox):
    write(sandbox)
    sandbox.up()
    it = explain(sandbox, "front")
    (call,) = it["calls"]
    url = sandbox.get("front", "/env/BACK_URL")
    assert url == f"http://127.0.0.1:{call['wires'][0]['listen']}"
    assert it["states"]["front"] == "healthy"
    assert it["instances"][0]["ports"] == sandbox.node("front")["ports"]
    secret = json.loads((sandbox.folder / ".tarmac/default/secrets.json").read_text())
    assert len(secret["services/front/API_KEY"]) > 20
    assert secret["services/front/API_KEY"] not in json.dumps(it)
    sandbox.tarmac("down")
    assert explain(sandbox, "front")["calls"] == it["calls"], "the ports of the last start"


def test_scaled_and_direct_are_explained_as_they_run(sandbox):
    write(sandbox)
    sandbox.up("--scale", "back=2")
    assert [instance["name"] for instance in explain(sandbox, "back")["instances"]] == [
        "back",
        "back.2",
    ]
    sandbox.tarmac("down")
    sandbox.up("--direct")
    it = explain(sandbox, "back")
    assert [instance["ports"] for instance in it["instances"]] == [{"http": PORT + 1}]
    assert it["called_by"][0]["wires"] == []


def test_it_is_written_for_a_reader(sandbox):
    write(sandbox)
    shown = sandbox.tarmac("explain", "tarmac.yaml", "front").stdout
    assert "front  service, " in shown
    assert "tarmac.yaml:5:3" in shown
    assert "<secret services/front/API_KEY>" in shown
    assert "from your shell: " in shown
    for name in (None, "back", "COLOUR", str(PORT)):
        done = sandbox.tarmac("explain", "tarmac.yaml", *filter(None, [name]))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(name or "small")
    unknown = sandbox.tarmac("explain", "tarmac.yaml", "frond")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "frond: not part of small; did you mean 'front'?\n",
    )
