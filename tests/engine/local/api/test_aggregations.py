"""Aggregations (contract, section 4.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.local.api.conftest import Http


@pytest.fixture
def jobs(admin: Http) -> Http:
    """Four jobs; one of them without return code."""
    for number, action in enumerate(("a", "b", "b", "c")):
        further: dict[str, Any] = {"return_code": number * 10} if number else {}
        admin.add(action=action, name=f"n{number}", tags=["all", action], **further)
    return admin


def aggregated(http: Http, *wanted: str, **form: Any) -> dict[str, Any]:
    answer: dict[str, Any] = http.query(aggregation=list(wanted), last=0, **form)
    aggregations: dict[str, Any] = answer["aggregations"]
    return aggregations


def test_terms_are_counted_largest_first(jobs: Http) -> None:
    assert aggregated(jobs, "terms:action") == {
        "terms:action": {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": 0,
            "buckets": [
                {"key": "b", "doc_count": 2},
                {"key": "a", "doc_count": 1},
                {"key": "c", "doc_count": 1},
            ],
        }
    }


def test_terms_of_lists_count_each_element(jobs: Http) -> None:
    buckets = aggregated(jobs, "terms:tags")["terms:tags"]["buckets"]

    assert buckets[:2] == [{"key": "all", "doc_count": 4}, {"key": "b", "doc_count": 2}]


def test_only_ten_terms_are_shown_and_the_rest_is_counted(admin: Http) -> None:
    for number in range(13):
        admin.add(action=f"a{number:02}")
    terms = aggregated(admin, "terms:action")["terms:action"]

    assert [bucket["key"] for bucket in terms["buckets"]] == [f"a{n:02}" for n in range(10)]
    assert terms["sum_other_doc_count"] == 3


def test_they_run_over_all_matches_not_over_the_page(jobs: Http) -> None:
    answer = jobs.query(filter="action='b'", last=1, aggregation="value_count:id")

    assert answer["aggregations"] == {"value_count:id": {"value": 2}}


def test_counts(jobs: Http) -> None:
    found = aggregated(
        jobs,
        "value_count:return-code,cardinality:action, missing:return-code",
        "value_count:tags",
        "missing:tags",
    )

    assert found == {
        "value_count:return-code": {"value": 3},
        "cardinality:action": {"value": 3},
        "missing:return-code": {"doc_count": 1},
        "value_count:tags": {"value": 8},
        "missing:tags": {"doc_count": 0},
    }


def test_numbers(jobs: Http) -> None:
    found = aggregated(jobs, "min:return-code,max:return-code,sum:return-code,avg:return-code")

    assert {key.partition(":")[0]: value for key, value in found.items()} == {
        "min": {"value": 10.0},
        "max": {"value": 30.0},
        "sum": {"value": 60.0},
        "avg": {"value": 20.0},
    }


def test_numbers_over_nothing(jobs: Http) -> None:
    found = aggregated(jobs, "min:return-code,avg:return-code,sum:return-code", filter="name='x'")

    assert found["min:return-code"] == found["avg:return-code"] == {"value": None}
    assert found["sum:return-code"] == {"value": 0.0}


def test_stats(jobs: Http) -> None:
    found = aggregated(jobs, "stats:return-code,extendedstats:return-code")
    basic = {"count": 3, "min": 10.0, "max": 30.0, "avg": 20.0, "sum": 60.0}

    assert found["stats:return-code"] == basic
    extended = found["extended_stats:return-code"]
    assert extended | basic == extended
    assert extended["sum_of_squares"] == 1400.0
    assert extended["variance"] == pytest.approx(66.6667, rel=1e-4)
    assert extended["std_deviation"] == pytest.approx(8.16497, rel=1e-4)


def test_percentiles(jobs: Http) -> None:
    values = aggregated(jobs, "percentiles:return-code")["percentiles:return-code"]["values"]

    assert set(values) == {"1.0", "5.0", "25.0", "50.0", "75.0", "95.0", "99.0"}
    assert values["50.0"] == 20.0


def test_dates_are_epoch_milliseconds_and_text(admin: Http) -> None:
    admin.add(expiry="1970-01-01T00:00:01Z")
    found = aggregated(admin, "max:expiry,terms:expiry")

    text = "1970-01-01T00:00:01.000Z"
    assert found["max:expiry"] == {"value": 1000.0, "value_as_string": text}
    assert found["terms:expiry"]["buckets"] == [
        {"key": 1000, "key_as_string": text, "doc_count": 1}
    ]


def test_nested_attributes_are_written_with_a_slash(admin: Http) -> None:
    admin.add(target_resource={"href": "a/1"})
    found = aggregated(admin, "terms:target-resource/href,terms:affected-resources/href")

    for key in ("terms:target-resource/href", "terms:affected-resources/href"):
        assert found[key]["buckets"] == [{"key": "a/1", "doc_count": 1}]


def test_what_is_no_aggregation_is_skipped(jobs: Http) -> None:
    assert aggregated(jobs, "nosuch:action,terms,:action,terms:,cardinality:action") == {
        "cardinality:action": {"value": 3}
    }


def test_unknown_attributes_have_no_values(jobs: Http) -> None:
    found = aggregated(jobs, "terms:nosuch,missing:nosuch,value_count:status-message,max:nosuch")

    assert found["terms:nosuch"]["buckets"] == []
    assert found["missing:nosuch"] == {"doc_count": 4}
    assert found["value_count:status-message"] == {"value": 0}
    assert found["max:nosuch"] == {"value": None}


@pytest.mark.parametrize("algorithm", ["min", "max", "sum", "avg", "stats", "extendedstats"])
@pytest.mark.parametrize("attribute", ["action", "tags"])
def test_numbers_of_keywords_are_a_500(jobs: Http, algorithm: str, attribute: str) -> None:
    response = jobs("GET", f"/api/job?aggregation={algorithm}:{attribute}")

    assert response.status_code == 500
