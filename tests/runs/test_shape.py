"""`--test=shape`: what the API sends, without a value."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Account, Fault, Sandbox, Shapes
from sandbox.shapes import ODD_NAMES
from tests.support.pipeline import make_account
from tests.support.tap import invoke

if t.TYPE_CHECKING:
    from pathlib import Path

    from sandbox.messages import Request
    from tests.support.pipeline import MakePipeline, Pipeline

Json = dict[str, t.Any]
Survey = t.Callable[..., Json]
CANARY = "Zxcanary"


@pytest.fixture
def survey(tmp_path: Path) -> Survey:
    """Run `--test=shape` in this process; return the document."""

    def run(pipeline: Pipeline, **config: t.Any) -> Json:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({**pipeline.config, **config}))
        result = invoke("--config", str(path), "--test=shape")
        assert result.exit_code == 0, repr(result.exception)
        assert pipeline.sandbox.stats.requests <= 12
        document: Json = json.loads(result.stdout)
        assert document["requests"] == pipeline.sandbox.stats.requests
        return document

    return run


def fields(document: Json, resource: str) -> Json:
    """Return the fields of the objects of a resource."""
    body: Json = document["resources"][resource]["body"]
    if resource != "candidate_details":
        body = body["fields"]["data"]["items"]
    found: Json = body["fields"]
    return found


def test_documented_version_is_described(
    make_pipeline: MakePipeline, survey: Survey
) -> None:
    document = survey(make_pipeline(make_account(150, questions=8)))
    assert document["api"] == "v2.1"
    paging = document["resources"]["candidates"]["paging"]
    assert (paging["rows"], paging["limit"]) == (100, 100)
    assert paging["total"] == "equal to the rows read"
    assert paging["next"]["form"] == "URL"
    assert paging["next"]["parameters"] == ["after_id", "limit", "order"]
    assert (paging["second_page"], paging["order"]) == ("new rows", "ascending")
    assert document["filter"] == {"job_opening_id": "matching rows only"}
    assert document["wrong_id"]["status"] == 404
    error = document["wrong_id"]["body"]["fields"]["error"]["fields"]
    assert error["type"]["words"] == {"NotFoundError": True}
    rows = fields(document, "candidates")
    assert rows["score"]["types"].keys() <= {"integer", "number"}
    assert rows["hire_state"]["words"].keys() == {"", "possible-hire", "rejected"}
    (form,) = rows["started_at"]["forms"]
    assert form == "time without offset, up to 32"
    options = fields(document, "candidate_details")["questions"]["items"]["fields"]
    assert options["options"]["items"]["fields"]["correct"]["types"].keys() == {
        "boolean"
    }
    assert document["headers"]["fields"].keys() == {"content-type"}


def test_later_version_has_its_new_names(
    make_pipeline: MakePipeline, survey: Survey
) -> None:
    account = make_account(40, questions=8, text_ids=True)
    document = survey(make_pipeline(Sandbox(account, versions=("v2.2",))))
    for resource in ("candidates", "candidate_details"):
        found = fields(document, resource)
        assert found["photo_url"]["types"].keys() == {"string"}
        assert found["rating"]["fields"].keys() == {"stars", "of"}
        assert found["profile_url"]["types"] == {}
        assert found["hire_state"]["other_words"] > 0
    questions = fields(document, "candidate_details")["questions"]["items"]["fields"]
    assert questions["difficulty"]["types"].keys() == {"integer"}


@pytest.mark.parametrize("page_size", [1, 1000])
def test_lists_in_many_pages_take_at_most_12_requests(
    make_pipeline: MakePipeline, survey: Survey, page_size: int
) -> None:
    account = make_account(1100, openings=12, tags=30)
    shapes = Shapes(page_small_lists=1, max_limit=1000, versions=("v2",))
    document = survey(
        make_pipeline(Sandbox(account, shapes=shapes)), page_size=page_size
    )
    assert document["resources"]["tags"]["paging"]["next"]["form"] == "URL"
    assert document["resources"]["tags"]["paging"]["second_page"] == "not tried"


@pytest.mark.parametrize(
    ("shape", "name", "expected"),
    [
        ({"total": "missing"}, "total", "missing"),
        ({"total_error": 3}, "total", "larger than the rows read"),
        ({"total_error": -3}, "total", "smaller than the rows read"),
        ({"max_limit": 40}, "rows", 40),
        ({"page_small_lists": 5}, "limit", 50),
    ],
)
def test_paging_is_described(
    make_pipeline: MakePipeline, survey: Survey, shape: Json, name: str, expected: str
) -> None:
    pipeline = make_pipeline(80)
    pipeline.sandbox.shapes = Shapes(**shape)
    document = survey(pipeline, page_size=50)
    assert document["resources"]["candidates"]["paging"][name] == expected


@pytest.mark.parametrize(
    ("link", "form"),
    [("absolute", "URL"), ("path", "path"), ("bare", "path without root")],
)
def test_form_of_links_is_described(
    make_pipeline: MakePipeline, survey: Survey, link: t.Any, form: str
) -> None:
    pipeline = make_pipeline(80)
    pipeline.sandbox.shapes = Shapes(next_link=link)
    paging = survey(pipeline, page_size=50)["resources"]["candidates"]["paging"]
    assert paging["next"]["form"] == form


def test_link_to_another_origin_is_described_and_not_followed(
    make_pipeline: MakePipeline, survey: Survey
) -> None:
    pipeline = make_pipeline(80)
    link = "https://elsewhere.example/candidates?after_id=1"
    pipeline.sandbox.faults = [Fault("next", next=link, match="candidates")]
    paging = survey(pipeline, page_size=50)["resources"]["candidates"]["paging"]
    assert paging["next"]["form"] == "another origin"
    assert paging["second_page"] == "not tried"


def test_empty_workspace_has_parts_that_were_not_tried(
    make_pipeline: MakePipeline, survey: Survey
) -> None:
    document = survey(make_pipeline(Account()))
    assert document["filter"] == {"job_opening_id": "not tried"}
    paging = document["resources"]["candidates"]["paging"]
    assert (paging["second_page"], paging["order"]) == ("not tried", "not tried")
    assert document["resources"]["candidate_details"]["statuses"] == {}


def test_details_in_an_envelope_are_described(
    pipeline: Pipeline, survey: Survey
) -> None:
    """A run ends with the first of them: the tap does not know the form."""
    detail = pipeline.account.detail(pipeline.ids[0])
    pipeline.sandbox.faults = [
        Fault("body", body={"data": detail}, status=200, match="candidate")
    ]
    found = fields(survey(pipeline), "candidate_details")
    assert found["data"]["fields"]["score"]["missing"] == 0
    assert found["score"]["types"] == {}


ROW = {"id": "1", "job_opening_id": "2"}


@pytest.mark.parametrize("body", [[ROW], {"items": [ROW]}])
def test_lists_in_another_envelope_are_described(
    pipeline: Pipeline, survey: Survey, body: t.Any
) -> None:
    lists = {"openings", "categories", "tags", "candidates"}
    pipeline.sandbox.faults = [
        Fault("body", body=body, status=200, match=lambda r: r.kind in lists)
    ]
    found = survey(pipeline)["resources"]["tags"]["body"]
    rows = found.get("fields", {}).get("items", found)["items"]
    assert rows["fields"]["id"]["missing"] == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 401}, "api_key"),
        ({"kind": "status", "status": 503, "match": "candidate"}, "failed"),
        ({"kind": "429"}, "limits the rate"),
        ({"kind": "body", "body": b"<p>", "status": 200}, "not JSON"),
    ],
)
def test_failure_writes_no_document(
    pipeline: Pipeline, fault: Json, words: str
) -> None:
    kind = fault.pop("kind")
    pipeline.sandbox.faults = [Fault(kind, **fault)]
    run = pipeline.run_command_line("--test=shape")
    assert (run.returncode, run.stdout) == (1, "")
    assert words in run.stderr.splitlines()[-1]


# Canaries: nothing that the API sends is in the document


def canaries(value: t.Any, count: int) -> t.Any:
    """Return a JSON value with a canary in place of each string, and with a map."""
    if isinstance(value, dict):
        found = {name: canaries(item, count) for name, item in value.items()}
        by_person = {f"{CANARY}{count}@example.com": 1, f"{CANARY}_{count}": [CANARY]}
        return {**found, "by_person": by_person, f"{CANARY.lower()}{count}": {"a": 1}}
    if isinstance(value, list):
        return [canaries(item, count) for item in value]
    return f"{CANARY}{count}" if isinstance(value, str) else value


def workspace_of_canaries(*, text_ids: bool) -> Account:
    """Return a workspace with a thousand canaries and more in texts and names."""
    account = make_account(250, questions=4, seed=3, text_ids=text_ids)
    for count, candidate_id in enumerate(account.listed_ids()):
        for name, value in account.detail(candidate_id).items():
            if name not in {"id", "started_at", "finished_at", "job_opening_id"}:
                account.set_field(candidate_id, name, canaries(value, count))
        account.set_field(candidate_id, CANARY.lower() + str(count), CANARY)
    for tag in account.tags():
        account.change_tag(tag["id"], **canaries({"name": "", "slug": ""}, 7))
    for category in account.categories():
        account.rename_category(category["id"], CANARY)
    return account


@pytest.mark.parametrize("text_ids", [False, True])
@pytest.mark.parametrize("error", ["JSON", "text"])
def test_no_canary_is_in_a_shape(
    make_pipeline: MakePipeline, survey: Survey, text_ids: t.Any, error: str
) -> None:
    account = workspace_of_canaries(text_ids=text_ids)
    pipeline = make_pipeline(Sandbox(account))
    pipeline.sandbox.shapes = Shapes(
        extra_fields={**ODD_NAMES, "x": {f"{CANARY}1": CANARY}, f"{CANARY}2": {}},
        headers=((f"X-{CANARY}", CANARY), ("Link", f"<https://{CANARY}.example>")),
    )

    def wrong_id(request: Request) -> bool:
        return request.route.item_id == "0"

    first = account.listed_ids()[99]
    link = f"/candidates?after_id={first}&{CANARY}={CANARY}&cursor={CANARY}"
    bodies = {
        "JSON": {"error": {"type": CANARY, "message": CANARY, CANARY: 1}, CANARY: 1},
        "text": f"<h1>{CANARY}</h1>".encode(),
    }
    pipeline.sandbox.faults = [
        Fault("body", body=bodies[error], status=404, match=wrong_id),
        Fault("next", next=link, match="candidates", times=1),
    ]
    document = survey(pipeline)
    text = json.dumps(document)
    assert all(fault.struck == 1 for fault in pipeline.sandbox.faults)
    assert document["headers"]["fields"]["link"]["forms"] == {"other, up to 32": 12}
    paging = document["resources"]["candidates"]["paging"]
    assert paging["next"]["other_parameters"] == 2
    assert CANARY.lower() not in text.lower()
    workspace = (account.openings(), account.categories(), account.tags())
    ids = {*account.listed_ids(), *(row["id"] for rows in workspace for row in rows)}
    assert not any(key in text for key in ids)
    assert "person@example.com" not in text
    assert pipeline.sandbox.url not in text
