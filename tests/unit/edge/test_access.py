"""Who may call what: forged tokens, others' tokens, and callers that are not operators."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest

import main
from functions import clients
from functions.edge import endpoint
from lib.config import config
from lib.edge.caller.identity import GCLOUD_AUDIENCE
from tests.http.test_identity import Signer, encode, strip

BASE = "https://pause-saga-1.run.app"
TASKS, SWEEPER, OPERATOR = "tasks@x.iam.gserviceaccount.com", "cron@x", "Olga@example.com"
Setting = Callable[..., None]


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, signer: Signer) -> Iterator[Setting]:
    """Set the environment of a deployed function, with changes."""

    def put(**change: str) -> None:
        deployed = {
            "AMENDS_BEHIND_IAM": "1",
            "AMENDS_BASE_URL": BASE,
            "AMENDS_WORKER_URL": "https://run-saga-step-1.run.app",
            "AMENDS_TASKS_SERVICE_ACCOUNT": TASKS,
            "AMENDS_SCHEDULER_SERVICE_ACCOUNT": SWEEPER,
            "AMENDS_OPERATORS": f"user:{OPERATOR}",
        }
        for name, value in (deployed | change).items():
            monkeypatch.setenv(name, value)
        config.cache_clear()
        clients.verifier.cache_clear()
        monkeypatch.setattr(
            "lib.edge.caller.identity._fetch_certs", lambda _: signer.certificates()
        )

    put()
    yield put
    config.cache_clear()
    clients.verifier.cache_clear()


@endpoint("POST")
def name_caller(caller: str) -> dict[str, str]:
    """Answer with the caller's name."""
    return {"caller": caller}


@endpoint("POST", invoker="public")
def name_visitor(caller: str) -> dict[str, str]:
    """Answer anybody with their name."""
    return {"caller": caller}


@endpoint("POST", invoker="operator")
def do_dangerous_thing() -> dict[str, str]:
    """Answer operators alone."""
    return {}


def call(view: Callable[[flask.Request], flask.Response], path: str = "/", **more: Any) -> Any:
    headers = [(name.replace("_", "-"), str(value)) for name, value in more.items() if value]
    sender = {"REMOTE_ADDR": "169.254.8.1"}
    with flask.Flask("test").test_request_context(
        path, method="POST", base_url=BASE, headers=headers, environ_base=sender
    ):
        answer = view(flask.request)
        return answer.status_code, json.loads(answer.get_data()).get("caller")


def removed(signer: Signer, email: str, audience: str = BASE, **change: Any) -> str:
    return "Bearer " + strip(signer.mint(email, audience, **change))


@pytest.mark.parametrize("target", ["run_saga_step", "sweep_sagas", "pause_saga", "resolve_saga"])
@pytest.mark.parametrize("by_api", [False, True])
@pytest.mark.parametrize("forged", [TASKS, SWEEPER, OPERATOR])
def test_a_token_that_iam_has_not_checked_gives_no_access(
    setting: Setting, signer: Signer, target: str, by_api: bool, forged: str
) -> None:
    view = main.api if by_api else getattr(main, target)
    status, _ = call(
        view,
        "/" + target.replace("_", "-"),
        X_Serverless_Authorization=removed(signer, "mallory@example.com"),
        Authorization=removed(signer, forged),
    )
    assert status == 403


def test_only_the_header_that_iam_has_checked_names_the_caller(
    setting: Setting, signer: Signer
) -> None:
    mallory, ann = removed(signer, "mallory@example.com"), removed(signer, "ann@example.com")
    both = {"X_Serverless_Authorization": mallory, "Authorization": ann}
    assert call(name_caller, **both) == (200, "mallory@example.com")
    assert call(name_caller, Authorization=ann) == (200, "ann@example.com")
    assert call(name_caller, Authorization=ann.replace("Bearer", "bearer"))[0] == 200


@pytest.mark.parametrize("first", ["Basic YTpi", "Bearer", "Bearer x", "Bearer a.b.c", " "])
def test_the_other_header_does_not_replace_a_broken_checked_one(
    setting: Setting, signer: Signer, first: str
) -> None:
    ann = removed(signer, "ann@example.com")
    assert call(name_caller, X_Serverless_Authorization=first, Authorization=ann)[0] == 401


def test_two_headers_with_one_name_are_refused(setting: Setting, signer: Signer) -> None:
    ann = removed(signer, "ann@example.com")
    assert call(name_caller, Authorization=f"{ann},{ann}")[0] == 401
    assert call(name_caller, Authorization=f"Bearer x, {ann}")[0] == 401


def test_a_real_token_for_another_audience_is_refused(setting: Setting, signer: Signer) -> None:
    elsewhere = signer.mint("ann@example.com", "https://elsewhere.example")
    assert call(name_caller, Authorization=f"Bearer {elsewhere}")[0] == 401
    assert call(name_caller, Authorization="Bearer " + strip(elsewhere))[0] == 401
    for_many = signer.mint("ann@example.com", BASE, aud=[BASE, "https://elsewhere.example"])
    assert call(name_caller, Authorization=f"Bearer {for_many}")[0] == 401
    ours = signer.mint("ann@example.com", BASE)
    assert call(name_caller, Authorization=f"Bearer {ours}") == (200, "ann@example.com")


def test_a_listed_audience_is_accepted(setting: Setting, signer: Signer) -> None:
    setting(AMENDS_AUDIENCES="https://api.example.com, https://shop.example.com")
    token = removed(signer, "ann@example.com", "https://shop.example.com")
    assert call(name_caller, Authorization=token) == (200, "ann@example.com")


def test_gclouds_own_audience_identifies_a_person_only_behind_iam(
    setting: Setting, signer: Signer
) -> None:
    token = signer.mint("ann@example.com", GCLOUD_AUDIENCE)
    assert call(name_caller, Authorization="Bearer " + strip(token))[0] == 200
    setting(AMENDS_BEHIND_IAM="")
    assert call(name_caller, Authorization=f"Bearer {token}")[0] == 401
    setting()
    machinery = removed(signer, TASKS, GCLOUD_AUDIENCE)
    assert call(main.run_saga_step, Authorization=machinery)[0] == 401


@pytest.mark.parametrize(
    "change", [{"exp": 1}, {"exp": float("nan")}, {"iss": "https://issuer.example"}]
)
def test_an_expired_or_foreign_token_is_refused(
    setting: Setting, signer: Signer, change: dict[str, Any]
) -> None:
    token = removed(signer, "ann@example.com", **change)
    assert call(name_caller, Authorization=token)[0] == 401


def test_an_unverified_address_identifies_nobody(setting: Setting, signer: Signer) -> None:
    token = removed(signer, OPERATOR, email_verified=False, sub="117")
    assert call(name_caller, Authorization=token) == (200, "subject:117")
    assert call(do_dangerous_thing, Authorization=token)[0] == 403


@pytest.mark.parametrize("operators", ["117", "subject:117", "group:ops@example.com", OPERATOR])
@pytest.mark.parametrize("email", ["", OPERATOR])
def test_a_token_without_a_verified_address_is_not_an_operators(
    setting: Setting, signer: Signer, operators: str, email: str
) -> None:
    setting(AMENDS_OPERATORS=operators)
    token = removed(signer, email, email_verified=None, sub="117")
    assert call(do_dangerous_thing, Authorization=token)[0] == 403


def test_a_subject_that_looks_like_an_address_is_not_one(setting: Setting, signer: Signer) -> None:
    token = removed(signer, "", sub=OPERATOR)
    assert call(name_caller, Authorization=token) == (200, f"subject:{OPERATOR}")
    assert call(do_dangerous_thing, Authorization=token)[0] == 403


def test_a_token_without_an_algorithm_is_refused(setting: Setting) -> None:
    claims = {"email": OPERATOR, "email_verified": True, "aud": BASE, "exp": 9e9}
    claims["iss"] = "https://accounts.google.com"
    token = f"Bearer {encode({'alg': 'none'})}.{encode(claims)}."
    assert call(do_dangerous_thing, Authorization=token)[0] == 401


def test_behind_iam_a_call_without_a_token_is_refused(setting: Setting) -> None:
    assert call(name_caller)[0] == 401


def test_a_public_function_never_accepts_a_token_without_a_signature(
    setting: Setting, signer: Signer
) -> None:
    for behind_iam in ("1", ""):
        setting(AMENDS_BEHIND_IAM=behind_iam)
        token = removed(signer, "ann@example.com")
        assert call(name_visitor, Authorization=token)[0] == 401
        assert call(name_visitor, X_Serverless_Authorization=token)[0] == 401
    assert call(name_visitor) == (200, "anonymous")
    signed = "Bearer " + signer.mint("ann@example.com", BASE)
    assert call(name_visitor, Authorization=signed) == (200, "ann@example.com")


@pytest.mark.parametrize(
    ("operators", "by_api", "status"),
    [
        ("olga@example.com", True, 200),
        ("user:OLGA@example.com", True, 200),
        ("user:ann@example.com, serviceAccount:olga@example.com", False, 200),
        ("", False, 403),
        ("ann@example.com", False, 403),
        ("ann@example.com", True, 403),
        ("USER: olga@example.com ,", False, 200),
        ("allUsers, allAuthenticatedUsers", False, 403),
        ("deleted:group:ops@example.com?uid=1", False, 403),  # names nobody, so IAM checked nobody
        ("deleted:user:olga@example.com?uid=1", True, 403),
        ("group:ops@example.com", False, 200),  # IAM has confirmed that Olga is in the group
        ("group:ops@example.com", True, 403),  # for callers of api nobody has confirmed that
    ],
)
def test_operators_are_those_that_the_setting_names(
    setting: Setting, signer: Signer, operators: str, by_api: bool, status: int
) -> None:
    setting(AMENDS_OPERATORS=operators)

    def view(request: flask.Request) -> flask.Response:
        if by_api:
            request.environ["amends.api"] = True
        return do_dangerous_thing(request)

    assert call(view, Authorization=removed(signer, OPERATOR))[0] == status


def test_behind_iam_nobody_is_an_operator_unless_named(
    setting: Setting, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AMENDS_OPERATORS")
    config.cache_clear()
    assert call(do_dangerous_thing, Authorization=removed(signer, OPERATOR))[0] == 403


def try_locally(sender: str, host: str) -> int:
    with flask.Flask("test").test_request_context(
        "/", method="POST", base_url=f"http://{host}", environ_base={"REMOTE_ADDR": sender}
    ):
        return do_dangerous_thing(flask.request).status_code


def test_locally_everybody_on_this_machine_is_an_operator_and_nobody_else(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting(AMENDS_BEHIND_IAM="")
    monkeypatch.delenv("AMENDS_OPERATORS")
    config.cache_clear()
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080"):
        assert try_locally("127.0.0.1", host) == 200
    assert try_locally("192.0.2.7", "127.0.0.1:8080") == 403
    assert try_locally("127.0.0.1", "rebound.example:8080") == 403


def test_a_list_of_operators_applies_locally_too(setting: Setting) -> None:
    setting(AMENDS_BEHIND_IAM="")
    assert try_locally("127.0.0.1", "127.0.0.1:8080") == 401
