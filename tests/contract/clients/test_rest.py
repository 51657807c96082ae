"""Datastore over HTTP: the JSON that any client can send, and Google's error bodies."""

import json
import urllib.request
from http.client import HTTPConnection
from typing import Any
from urllib.error import HTTPError

import pytest
from google.cloud.datastore_v1.types import LookupRequest
from google.rpc.status_pb2 import Status

BOOK = {"path": [{"kind": "Book", "name": "a"}]}


def call(host: str, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    request = urllib.request.Request(f"http://{host}{path}", data, given)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def test_entities_are_written_looked_up_and_queried_in_json(emulator_host: str) -> None:
    properties = {
        "title": {"stringValue": "Solaris", "excludeFromIndexes": True},
        "year": {"integerValue": "1961"},
        "none": {"nullValue": None},
        "raw": {"blobValue": "AP8="},
        "when": {"timestampValue": "2026-01-02T03:04:05Z"},
    }
    write = {
        "mode": "NON_TRANSACTIONAL",
        "mutations": [{"upsert": {"key": BOOK, "properties": properties}}],
    }
    status, answer = call(emulator_host, "/v1/projects/json:commit", write)
    assert (status, len(answer["mutationResults"])) == (200, 1)
    status, answer = call(emulator_host, "/v1/projects/json:lookup", {"keys": [BOOK]})
    assert status == 200
    assert answer["found"][0]["entity"]["properties"] == properties
    assert answer["found"][0]["entity"]["key"]["partitionId"] == {"projectId": "json"}
    query = {"query": {"kind": [{"name": "Book"}], "limit": 5}}
    status, answer = call(emulator_host, "/v1/projects/json:runQuery", query)
    assert status == 200
    assert answer["batch"]["moreResults"] == "NO_MORE_RESULTS"
    assert len(answer["batch"]["entityResults"]) == 1
    count = {"aggregationQuery": {"nestedQuery": query["query"], "aggregations": [{"count": {}}]}}
    status, answer = call(emulator_host, "/v1/projects/json:runAggregationQuery", count)
    [result] = answer["batch"]["aggregationResults"]
    assert (status, list(result["aggregateProperties"].values())) == (200, [{"integerValue": "1"}])


def test_a_transaction_is_begun_used_and_rolled_back(emulator_host: str) -> None:
    begun = call(emulator_host, "/v1/projects/json:beginTransaction", {})[1]["transaction"]
    looked = {"keys": [BOOK], "readOptions": {"transaction": begun}}
    assert call(emulator_host, "/v1/projects/json:lookup", looked)[0] == 200
    over = call(emulator_host, "/v1/projects/json:rollback", {"transaction": begun})
    assert over == (200, {})
    keys = {"keys": [{"path": [{"kind": "Book"}]}]}
    status, answer = call(emulator_host, "/v1/projects/json:allocateIds", keys)
    assert (status, len(answer["keys"])) == (200, 1)
    assert call(emulator_host, "/v1/projects/json:reserveIds", answer) == (200, {})


@pytest.mark.parametrize(
    ("path", "body", "code", "status", "words"),
    [
        ("lookup", b"{", 400, "INVALID_ARGUMENT", "Invalid JSON payload"),
        ("lookup", b"[]", 400, "INVALID_ARGUMENT", "Root element must be a message"),
        ("lookup", {"kees": []}, 400, "INVALID_ARGUMENT", 'no field named "kees"'),
        ("lookup", {"keys": [{"path": []}]}, 400, "INVALID_ARGUMENT", "path"),
        ("commit", {"mode": "NON_TRANSACTIONAL",
                    "mutations": [{"update": {"key": {"path": [{"kind": "Book", "id": "9"}]}}}]},
         404, "NOT_FOUND", "no entity to update"),
        ("nothing", {}, 404, "NOT_FOUND", "Method not found: POST /v1/projects/json:nothing"),
    ],
)  # fmt: skip
def test_an_error_has_googles_body(
    emulator_host: str, path: str, body: Any, code: int, status: str, words: str
) -> None:
    answered, answer = call(emulator_host, f"/v1/projects/json:{path}", body)
    error = answer["error"]
    assert (answered, error["code"], error["status"]) == (code, code, status)
    assert words in error["message"]


def test_protobuf_requests_get_protobuf_answers_and_errors(emulator_host: str) -> None:
    connection = HTTPConnection(emulator_host)
    kind = {"Content-Type": "application/x-protobuf"}
    request = LookupRequest.pb(LookupRequest(keys=[{"path": [{"kind": "Book", "name": "x"}]}]))
    for body, status in ((request.SerializeToString(), 200), (b"\xff", 400)):
        connection.request("POST", "/v1/projects/json:lookup", body, kind)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (status, kind["Content-Type"])
        text = answer.read()
    assert Status.FromString(text).message == "The request cannot be parsed."
    connection.close()


def test_the_project_in_the_path_overrides_the_body(emulator_host: str) -> None:
    status, answer = call(
        emulator_host, "/v1/projects/mine:lookup", {"projectId": "other", "keys": [BOOK]}
    )
    assert status == 200
    assert answer["missing"][0]["entity"]["key"]["partitionId"]["projectId"] == "mine"


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://evil.example"}]
)
def test_a_page_of_another_site_cannot_write(emulator_host: str, headers: dict[str, str]) -> None:
    with pytest.raises(json.JSONDecodeError, match="Expecting value"):
        call(emulator_host, "/v1/projects/json:commit", {"mode": "NON_TRANSACTIONAL"}, **headers)
    with pytest.raises(json.JSONDecodeError, match="Expecting value"):
        call(emulator_host, "/reset", b"", **headers)


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_the_colon_before_a_verb_may_be_escaped(emulator_host: str, colon: str) -> None:
    status, answer = call(emulator_host, f"/v1/projects/test{colon}beginTransaction", {})
    assert (status, list(answer)) == (200, ["transaction"])
