"""Cloud Storage: buckets with their policies, and objects that are put into them."""

from typing import Any

from tests.deploy.project.apis import Apis
from tests.deploy.project.state import Refused, Resource, State

Query = dict[str, str]


class Storage:
    """Answers requests to buckets, whose API is older and has its own form."""

    def __init__(self, state: State, apis: Apis) -> None:
        self._state, self._apis = state, apis

    def answer(self, method: str, path: str, query: Query, token: str, body: Any) -> Resource:
        """Answer for an object, or for a bucket."""
        if "/o" in path:
            return self._object(path, query, token, body)
        return self._bucket(method, path, query, token, body)

    def _object(self, path: str, query: Query, token: str, body: Any) -> Resource:
        """Put an object into a bucket, by any of the upload protocols."""
        bucket = path.partition("b/")[2].partition("/")[0]
        self._state.check(token, "storage.objects.create", f"storage/b/{bucket}")
        name = query.get("name") or path.rpartition("/o/")[2]
        found = {"kind": "storage#object", "bucket": bucket, "name": name, "generation": "1"}
        return {**found, **(body or {})}

    def _bucket(self, method: str, path: str, query: Query, token: str, body: Any) -> Resource:
        place = f"projects/{self._state.project}"
        _, _, rest = path.partition("b")
        if not rest.strip("/"):
            self._state.check(
                token, f"storage.buckets.{'list' if method == 'GET' else 'create'}", place
            )
            if method == "GET":
                return {"kind": "storage#buckets", **self._apis.list("storage", "storage", "b")}
            name = f"storage/b/{body['name']}"
            if name in self._state.resources:
                raise Refused(409, "ALREADY_EXISTS", "Your previous request to create the bucket")
            return self._state.put(
                name, {**body, "name": name, "id": body["name"], "kind": "storage#bucket"}
            )
        bucket, _, verb = rest.strip("/").partition("/")
        name = f"storage/b/{bucket}"
        self._state.find(name)
        if verb == "iam":
            kind = "getIamPolicy" if method == "GET" else "setIamPolicy"
            self._state.check(token, f"storage.buckets.{kind}", name)
            return (
                self._state.policy_of(name)
                if method == "GET"
                else self._state.set_policy(name, body)
            )
        if method == "PATCH":
            self._state.check(token, "storage.buckets.update", name)
            self._state.put(name, {**self._state.find(name), **body, "name": name})
        return {**self._state.find(name), "name": bucket}
