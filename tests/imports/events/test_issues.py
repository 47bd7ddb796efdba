"""Issues counted by park and reason. No database."""

import pytest

from imports.events.issues import Issues
from quality.evidence import EXAMPLES_MAX
from tests.imports.building import OTHER_PARK, PARK

pytestmark = pytest.mark.no_database


def test_every_record_counts_and_the_first_few_are_kept():
    issues = Issues()
    for n in range(20):
        issues.add(PARK, "unknown_status", n)
    (issue,) = issues.found.values()
    assert (issue.count, issue.examples) == (20, list(range(EXAMPLES_MAX)))


def test_a_copy_is_counted_on_alone():
    issues = Issues()
    issues.add(PARK, "unknown_status", "first")
    copy = issues.copy()
    copy.add(PARK, "unknown_status", "second")
    copy.add(OTHER_PARK, "future_time", "third")
    assert list(issues.found) == [(PARK, "unknown_status")]
    (issue,) = issues.found.values()
    assert (issue.count, issue.examples) == (1, ["first"])


def test_issues_of_no_park_come_first_and_the_rest_by_park_and_reason():
    issues = Issues()
    for key in [(OTHER_PARK, "b"), (PARK, "b"), (None, "z"), (PARK, "a")]:
        issues.add(*key, "example")
    assert [key for key, _ in issues.by_park()] == [(None, "z"), (PARK, "a"), (PARK, "b"), (OTHER_PARK, "b")]
