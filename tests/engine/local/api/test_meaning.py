"""What filters match, over HTTP: the contract's table, quirks included (section 4.3)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.engine.local.api.conftest import Http


@pytest.fixture
def jobs(admin: Http) -> Http:
    """Three jobs: bare, full, and one with a quote in its name."""
    admin.add(name="bare", action="stop")
    admin.add(
        name="full",
        action="start_deployment",
        progress=50,
        priority=7,
        tags=["t1", "t2"],
        description="Rolls the Blue cluster out",
        target_resource={"href": "deployment/1"},
        affected_resources=[{"href": "deployment/1"}, {"href": "infra/2"}],
        expiry="2026-11-23T12:00:00Z",
        status_message="said",
        parent_job="job/parent",
    )
    admin.add(name="it's", action="stop_deployment")
    return admin


ALL = {"bare", "full", "it's"}
MEANINGS: list[tuple[str, set[str]]] = [
    ("name='full'", {"full"}),
    ("name='Full'", set()),
    ("name!='full'", {"bare", "it's"}),
    ("description!='x'", ALL),
    ("tags='t2'", {"full"}),
    ("tags!='t2'", {"bare", "it's"}),
    ("tags=['t9','t1']", {"full"}),
    ("name=['bare' 'full']", {"bare", "full"}),
    ("name!=['bare', 'full']", {"it's"}),
    ("name=[]", set()),
    ("name!=[]", ALL),
    ("description=null", {"bare", "it's"}),
    ("description!=null", {"full"}),
    ("tags=null", {"bare", "it's"}),
    ("target-resource!=null", {"full"}),
    ("affected-resources=null", {"bare", "it's"}),
    ("progress>=50", {"full"}),
    ("progress<50", {"bare", "it's"}),
    ("progress='50'", {"full"}),
    ("progress=[50, 60]", {"full"}),
    ("50<progress", {"bare", "it's"}),
    ("50=progress", {"full"}),
    ("priority>0", {"full"}),
    ("priority!=0", ALL),
    ("name>'c' and name<'g'", {"full"}),
    ("action^='st'", ALL),
    ("action^='stop'", {"bare", "it's"}),
    ("action^='Stop'", set()),
    ("'stop_'^=action", {"it's"}),
    ("action^=''", ALL),
    ("description^=''", {"full"}),
    ("target-resource/href='deployment/1'", {"full"}),
    ("affected-resources/href='infra/2'", {"full"}),
    ("affected-resources/href^='infra'", {"full"}),
    ("acl/owners='group/nuvla-admin'", ALL),
    ("parent-job='job/parent'", {"full"}),
    ("nosuch='x'", set()),
    ("nosuch!='x'", ALL),
    ("nosuch=null", ALL),
    ("nosuch!=null", set()),
    ("nosuch>1", set()),
    ("status-message!=null", set()),
    ("status-message=null", ALL),
    ("status-message='said'", set()),
    ("operations=null", ALL),
    ('''name="it's"''', {"it's"}),
    (r"name='it\'s'", set()),
    ("expiry>'2026-11-23'", set()),
    ("expiry>='2026-11-23'", {"full"}),
    ("expiry<='2026-11-23'", {"full"}),
    ("expiry='2026-11-23'", {"full"}),
    ("expiry!='2026-11-23'", {"bare", "it's"}),
    ("expiry='2026-11-23T12:00:00.000Z'", {"full"}),
    ("expiry<'2026-11-23||+1d'", {"full"}),
    ("expiry=2026-11-23T12:00:00Z", {"full"}),
    ("expiry=2026-11-23", {"bare", "it's"}),
    ("expiry>2027-11-23", {"full"}),
    ("expiry<2020-11", {"full"}),
    ("created>'now-1h'", ALL),
    ("created<'now-1h'", set()),
    ("created>='now/d' or updated<'now'", ALL),
    ("fulltext=='blue'", {"full"}),
    ("fulltext=='BLUE nosuch'", {"full"}),
    ("fulltext=='blu*'", {"full"}),
    ("fulltext=='blu'", set()),
    ("fulltext=='+blue +cluster'", {"full"}),
    ("fulltext=='+blue +green'", set()),
    ("fulltext=='cluster -blue'", set()),
    ("fulltext=='-blue'", {"bare", "it's"}),
    ("fulltext=='(red|cluster)'", {"full"}),
    ("""fulltext=='"blue cluster"'""", {"full"}),
    ("""fulltext=='"cluster blue"'""", set()),
    ("fulltext=='T2'", {"full"}),
    ("fulltext=='job'", ALL),
    ("fulltext==''", set()),
    ("fulltext=='* + -'", set()),
    ("fulltext!=null", ALL),
    ("fulltext='blue'", {"full"}),
    ("fulltext!='blue'", {"bare", "it's"}),
    ("fulltext^='clus'", {"full"}),
    ("action=='start*'", {"full"}),
    ("action=='start'", set()),
    ("action=='stop start_deployment'", {"bare", "full"}),
    ("tags=='t1'", {"full"}),
    ("progress=='50'", {"full"}),
    ("location intersects 'POINT(1 2)'", set()),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS)
def test_a_filter_matches(jobs: Http, text: str, expected: set[str]) -> None:
    assert jobs.found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "progress='x'",
        "progress='nan'",
        "progress=true",
        "created>'x'",
        "created=true",
        "progress=2147483648",
        "name=99999999999999999999",
        "nosuch=[1, 2147483648]",
        "progress^='5'",
        "created>'2026-99-99'",
    ],
)
def test_what_cannot_be_compared_is_a_500(jobs: Http, text: str) -> None:
    response = jobs("PUT", "/api/job", data={"filter": text})

    assert response.status_code == 500
    assert response.json()["message"].startswith("unexpected exception querying: ")


def test_the_id_is_found_by_its_words_and_by_its_beginning(admin: Http) -> None:
    job_id = admin.add()
    first, second = job_id.removeprefix("job/").split("-")[:2]

    for text in (
        f"id^='{job_id[:9]}'",
        f"fulltext=='{first}'",
        f"fulltext=='{first[:5].upper()}*'",
        f"fulltext=='{first}-{second}'",
        f"fulltext=='{job_id}'",
    ):
        assert admin.query(filter=text)["resources"][0]["id"] == job_id


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"id='job/{number}'" for number in range(4000)),
        " and ".join(f"id!='job/{number}'" for number in range(4000)),
        " or ".join(f"progress>{number}" for number in range(4000)),
        " and ".join(f"(name^='n{number}' or tags='t{number}')" for number in range(500)),
    ],
    ids=["or-equal", "and-unequal", "or-greater", "and-or"],
)
def test_thousands_of_comparisons_are_answered(admin: Http, text: str) -> None:
    started = time.monotonic()
    response = admin("PUT", "/api/job", data={"filter": text})

    assert response.status_code == 200
    assert time.monotonic() - started < 20


def test_nesting_without_end_is_refused_not_crashed(admin: Http) -> None:
    text = "(a=1 or (b=2 and " * 2000 + "a=1" + "))" * 2000
    response = admin("PUT", "/api/job", data={"filter": text})

    assert response.status_code == 500
    assert "nests deeper" in response.json()["message"]


def test_text_is_matched_as_text_never_as_sql(admin: Http) -> None:
    hostile: list[Any] = ["'; DROP TABLE job; --", "%", "_", 'a" OR 1=1', "NEAR(a)", "\\"]
    for name in hostile:
        admin.add(name=name)
    for name in hostile:
        quote = "'" if '"' in name else '"'
        if name != "\\":
            assert admin.found(f"name={quote}{name}{quote}") == {name}
        assert admin("PUT", "/api/job", data={"filter": f"fulltext=={quote}x {name} {quote}"}).ok
    assert admin.query()["count"] == len(hostile)
