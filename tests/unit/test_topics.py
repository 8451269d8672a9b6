"""The table of `make test-all`: what passed, failed and was not run in each topic."""

from __future__ import annotations

import topics

REPORT = """<testsuites><testsuite name="pytest">
<testcase classname="tests.cluster.test_shop" name="test_it" time="1"/>
<testcase classname="tests.cluster.test_shop" name="test_other" time="1">
  <failure message="no"/></testcase>
<testcase classname="tests.cluster.test_shop" name="test_third" time="1">
  <error message="no"/></testcase>
<testcase classname="tests.cluster.test_shop" name="test_fourth" time="1">
  <skipped type="pytest.skip" message="memory is always there"/></testcase>
<testcase classname="kit.tests.servers.test_documents" name="test_it[memory]" time="1">
  <skipped type="pytest.skip" message="memory is always there"/></testcase>
</testsuite></testsuites>
"""


def test_what_is_skipped_for_want_of_something_is_not_run_and_named(tmp_path):
    xml = tmp_path / "cluster.xml"
    xml.write_text(REPORT)
    run = topics.counted("cluster", xml, 1, 2.04, 3)
    assert run.line == "| cluster | 1 | 2 | 3 | 1 | 1 | 2.0 |"
    named = "- tests.cluster.test_shop::test_fourth: memory is always there\n"
    assert topics.written([run]).endswith(f"\n\nNot run in cluster:\n\n{named}")


def test_a_run_that_did_not_finish_says_how_it_ended():
    assert topics.Run("crash", 3, 0.5).line == "| crash | 0 | ended with 3 | 0 | 0 | 0 | 0.5 |"


def test_an_unknown_topic_is_refused_with_those_that_there_are(capsys):
    assert topics.main(["clusters", "--", "-q"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("no topic 'clusters'; one of: presubmit, apiserver, ")
