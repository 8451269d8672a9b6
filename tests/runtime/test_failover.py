"""A real region that is lost, one that takes over with its data, and the way back."""

from __future__ import annotations

import json
import textwrap

import pytest
from drilling import ASKS_WEB
from sandbox import laid_out, web

from tarmac.run.local.supervisor import client

DRILL = """
    drill: 1
    title: The region is lost
    kind: failover
    load: {journey: ask, rate: 5}
    failover:
      stores: [db]
      service: web
      path: /
      interval: 500ms
      synchronous: true
      rpo: 1ms
      at: 1s
      once_promoted: {db: CREATE TABLE IF NOT EXISTS promotions (number int)}
      failback: true
    baseline: 2s
    recovery: 45s
    """
BOTH = ("from the first region to the other", "from the second region to the other")


@pytest.mark.timeout(450)
def test_a_region_takes_over_from_one_that_is_lost_and_gives_back(tmp_path):
    box = laid_out(tmp_path)
    box.write(f"""
        tarmac: 1
        system: small
        services:
          {web(more=", stores: {db: db}")}
        stores:
          db: {{kind: postgres}}
          cache: redis
        """)
    (tmp_path / "journeys.py").write_text(textwrap.dedent(ASKS_WEB))
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/lost.yaml").write_text(textwrap.dedent(DRILL).lstrip())
    done = box.tarmac("drill", ".", "lost", "--json", timeout_s=400)
    assert done.stdout, done.stderr
    journal = json.loads(done.stdout)
    checks = {check["what"]: check for check in journal["checks"]}
    assert checks["the first region was lost"]["measured"] == "3 processes before, 0 after"
    for way in BOTH:
        assert checks[f"RPO of db, {way}"]["measured"].startswith("0 of ")
    for region in ("first", "second"):
        back = checks[f"db of the {region} region came back"]
        assert "in a read-only transaction" in back["measured"]
        assert checks[f"db of the {region} region is fenced"]["holds"]
    for what in ("the entry switches", "RTO", "the first region serves again"):
        assert checks[what]["holds"], journal["checks"]
    assert "not replicated, so empty in the second region: cache (redis)" in journal["gaps"]
    assert client.find_homes(tmp_path / "tarmac.yaml") == []
