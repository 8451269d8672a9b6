"""What verbs say of a cluster that their arguments do not lead to, before they ask it."""

from __future__ import annotations

import json
import os

import pytest
from rendered import ROOT
from warm import tarmac

THERE = ("--target", "cluster", "--env", "kind")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("ps", "hello-dd", "--env", "kind"), "--env: needs --target cluster or compose\n"),
        (
            ("logs", "hello-dd", "--target", "cluster", "--env", "compose"),
            (
                "systems/hello-dd/tarmac.yaml: environment compose has no cluster (target: "
                "compose); name another environment\n"
            ),
        ),
        (
            ("logs", "hello-dd", *THERE, "--trace", "0123"),
            "--trace: log lines elsewhere are not stored; omit it\n",
        ),
        (
            ("verify", "hello-dd", "--env", "kind", "--context", "kind-hello-dd"),
            "--context: needs a cluster; add --target cluster\n",
        ),
        (
            ("verify", "hello-dd", "--target", "cluster"),
            (
                "--target: a cluster has one environment; say with --env which one is there: "
                "compose, kind, production, repository\n"
            ),
        ),
        (
            ("verify", "hello-dd", "--target", "cluster", "--env", "compose"),
            (
                "systems/hello-dd/tarmac.yaml: environment compose has no cluster (target: "
                "compose); name another environment\n"
            ),
        ),
        (
            ("objectives", "hello-dd", "--for", "5"),
            "--for: needs --target cluster or compose\n",
        ),
        (
            ("drill", "hello-dd", "pricing-slow", *THERE),
            (
                "systems/hello-dd/drills/pricing-slow.yaml: fault 'latency' is not possible in a "
                "cluster, which lacks `Edges` (traffic of edges that is counted and can be "
                "disturbed); drain, kill, outage, restart are possible there\n"
            ),
        ),
        (
            ("drill", "hello-dd", "pricing-scale", *THERE),
            (
                "systems/hello-dd/drills/pricing-scale.yaml: kind 'scale' is not possible in a "
                "cluster, which lacks `Scaling` (services that can be run in another number); "
                "chaos, ramp, random are possible there\n"
            ),
        ),
        (
            ("drill", "hello-dd", "--quick", *THERE),
            (
                "--quick: is not possible in a cluster, which lacks `Edges` (traffic of edges that "
                "is counted and can be disturbed)\n"
            ),
        ),
        (
            ("drill", "hello-dd", "cache-outage", "--url", "web=http://web"),
            "--url: needs --target cluster or compose\n",
        ),
        (
            ("drill", "hello-dd", "cache-outage", *THERE, "--url", "web", "--url", "a=b"),
            (
                "--url: 'web' is not SERVICE=URL, e.g. web=https://shop.example.com\n"
                "--url: 'a=b' is not SERVICE=URL, e.g. web=https://shop.example.com\n"
            ),
        ),
    ],
)
def test_an_error_is_reported_with_its_value_and_what_to_do(argv, told, tmp_path):
    done = tarmac(*argv, folder=ROOT, environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_gates_that_observe_are_skipped_without_kubectl_and_absent_without_a_cluster(tmp_path):
    argv = ("verify", "hello-dd", "--env", "kind", "--in-memory", "--phase", "security", "--json")
    nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    here, there = (
        json.loads(tarmac(*argv, *more, folder=ROOT, environ=nowhere).stdout)["results"]
        for more in ((), ("--target", "cluster"))
    )
    (skipped,) = [found for found in there if found not in here]
    assert skipped["what"] == "gate:RUN004"
    assert (skipped["status"], skipped["level"], skipped["target"]) == (
        *("skipped", "observed", "cluster"),
    )
    assert skipped["why"].startswith("kubectl is not on PATH; ")
    assert len(skipped["why"]) > len("kubectl is not on PATH; ")


def test_a_fault_of_clusters_is_refused_here(tmp_path):
    drill = tmp_path / "drain.yaml"
    drill.write_text(
        "drill: 1\ntitle: x\nload: {journey: look, rate: 1}\n"
        "hypothesis: {success: 1, objectives: []}\nmethod: [{fault: drain, on: node1}]\n"
    )
    done = tarmac("drill", "hello-dd", str(drill), folder=ROOT, environ=dict(os.environ))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"{drill}: fault 'drain' is not possible on this machine, which "
        "lacks `Nodes` (nodes that can be emptied); "
    )


@pytest.mark.parametrize("verb", ["ps", "logs", "restart", "invariants", "objectives", "edges"])
def test_without_kubectl_the_error_says_how_to_get_it(verb, tmp_path):
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = tarmac(verb, "hello-dd", *THERE, folder=ROOT, environ=environ)
    assert (done.returncode, done.stdout) == (3, "")
    assert "kubectl is not on PATH; " in done.stderr
