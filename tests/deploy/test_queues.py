"""Every section of queues.yaml reaches gcloud."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.stores.queues import flags_of
from project_files.queues import DURATION, LIST, NUMBER, SETTINGS, TEXT, WHOLE, read_queue_settings
from tests.deploy.lint import find_faults, needs_gcloud

EXAMPLES = {NUMBER: "0.5", WHOLE: "7", DURATION: "2.5s", TEXT: "text"}


def write_all(shape: Mapping[str, Any] = SETTINGS, indent: str = "  ") -> Iterator[str]:
    """Yield the lines of a queue with every setting."""
    for name, inner in shape.items():
        if inner == LIST:
            yield f"{indent}{name}: [{{header: {{key: A, value: 'b, c'}}}}]"
        elif isinstance(inner, Mapping):
            yield f"{indent}{name}:"
            yield from write_all(inner, indent + "  ")
        else:
            yield f"{indent}{name}: {EXAMPLES[inner]}"


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "queues.yaml"
    path.write_text(text)
    return read_queue_settings(path)["q"]


def test_every_setting_of_a_queue_is_a_flag_and_none_is_dropped(tmp_path: Path) -> None:
    flags = flags_of(read(tmp_path, "\n".join(["q:", *write_all()])))
    assert sorted(flags) == [
        "--http-header-override=A: b, c",
        "--http-method-override=text",
        "--http-oauth-service-account-email-override=text",
        "--http-oauth-token-scope-override=text",
        "--http-oidc-service-account-email-override=text",
        "--http-oidc-token-audience-override=text",
        "--http-uri-override=scheme:text,host:text,port:7,path:text,query:text,mode:text",
        "--log-sampling-ratio=0.5",
        "--max-attempts=7",
        "--max-backoff=2.5s",
        "--max-concurrent-dispatches=7",
        "--max-dispatches-per-second=0.5",
        "--max-doublings=7",
        "--max-retry-duration=2.5s",
        "--min-backoff=2.5s",
        "--routing-override=service:text,version:text,instance:text",
    ]


@needs_gcloud
@pytest.mark.parametrize("verb", ["create", "update"])
def test_gcloud_knows_every_one_of_these_flags(tmp_path: Path, verb: str) -> None:
    stated = read(tmp_path, "\n".join(["q:", *write_all()]))
    del stated["httpTarget"]["oauthToken"]  # gcloud accepts one kind of token
    flags = " ".join(f"'{flag}'" for flag in flags_of(stated))
    line = f"gcloud tasks queues {verb} q --location=r {flags}"
    assert find_faults([line.replace("'--http-header-override=A: b, c'", "")], tmp_path) == []


def test_flow_style_is_read_as_block_style_is(tmp_path: Path) -> None:
    flow = read(tmp_path, "q: {retryConfig: {maxAttempts: 3, minBackoff: 1s}, rateLimits: ~}")
    block = read(tmp_path, "q:\n  retryConfig:\n    maxAttempts: 3\n    minBackoff: 1s\n")
    assert flags_of(flow) == flags_of(block) == ["--max-attempts=3", "--min-backoff=1s"]
