"""The fake project over HTTP, for the real gcloud; the first path segment names the API."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.deploy.project.project import Project

#: gcloud's names of APIs for overriding their endpoints, and the APIs.
OVERRIDES = {
    "SERVICEUSAGE": "serviceusage", "CLOUDRESOURCEMANAGER": "cloudresourcemanager",
    "FIRESTORE": "firestore", "DATASTORE": "datastore", "ARTIFACTREGISTRY": "artifactregistry",
    "STORAGE": "storage", "IAM": "iam", "IAMCREDENTIALS": "iamcredentials",
    "CLOUDTASKS": "cloudtasks", "CLOUDSCHEDULER": "cloudscheduler", "LOGGING": "logging",
    "MONITORING": "monitoring", "RUN": "run", "SECRETS": "secretmanager", "APPENGINE": "appengine",
    "SECRETMANAGER": "secretmanager", "CLOUDBUILD": "cloudbuild",
}  # fmt: skip


@contextmanager
def serve(project: Project) -> Iterator[str]:
    """Serve a project on loopback; yield its address."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length) or b"null"
            uploads = self.path.startswith("/upload/")
            body = self.uploaded(content) if uploads else json.loads(content)
            _, api, path = self.path.replace("/upload/storage/", "/storage/", 1).split("/", 2)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            with lock:
                status, found = project.handle(
                    self.command, f"https://{api}.googleapis.com/{path}", token, body
                )
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def uploaded(self, content: bytes) -> dict[str, str]:
            """Return the size of the upload after the metadata, which the sender checks."""
            boundary = self.headers["Content-Type"].partition("boundary=")[2].strip("'\"")
            part = content.split(b"--" + boundary.encode())[2]
            data = re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1]
            return {"size": str(len(re.sub(rb"\r?\n$", b"", data)))}

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Print nothing: the project has its own log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def environment(address: str, folder: Path, member: str) -> dict[str, str]:
    """Return the environment that makes gcloud use the fake as a member."""
    token = folder / "token"
    token.write_text(member)
    return {
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API": "false",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        **{
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": f"{address}/{api}/"
            for name, api in OVERRIDES.items()
        },
    }
