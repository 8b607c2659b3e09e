"""A deployed site as commands see it: which function builds it, and what it remembers in the state bucket.

The layout is apps/site's own (`sitebuilder/state.py`); it is only read here.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lambent.cli.client import Call, Client, Refused
from lambent.cli.failure import Failure
from lambent.cli.function_list import list_functions
from lambent.kit.frozen import frozen

_NOTHING = hashlib.sha256(b"").hexdigest()


@frozen
class DeployedSite:
    name: str
    """The website's bucket, or bucket/folder."""
    function: str
    state_bucket: str


@frozen
class Generation:
    number: int
    at: float
    sources: Mapping[str, str]
    """Key to ETag."""
    outputs: Mapping[str, str]
    """Path to MD5."""


def find(client: Client, name: str) -> DeployedSite:
    """The site of that name; without a name, the only one there is."""
    sites = [site for function in list_functions(client) for site in _sites(function)]
    if not sites:
        raise Failure("No function here builds a site. Set one up with: lambent demo site")
    found = [site for site in sites if name in ("", site.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(site.name for site in sites))
    raise Failure(f"There is no site {name}; there are: {names}" if name else f"Say which site: {names}")


def read(client: Client, site: DeployedSite, name: str) -> bytes | None:
    target = quote(f"/{site.state_bucket}/{site.name}/{name}")
    try:
        return client.request(Call("s3", "GET", target, headers={"x-amz-content-sha256": _NOTHING})).body
    except Refused as error:
        if error.status == 404:
            return None
        raise


def read_json(client: Client, site: DeployedSite, name: str) -> Any:
    content = read(client, site, name)
    return None if content is None else json.loads(content)


def generations(client: Client, site: DeployedSite) -> list[Generation]:
    """Those that are kept, the newest first."""
    head = read_json(client, site, "head.json") or {"releases": []}
    return [_generation(client, site, release) for release in reversed(head["releases"])]


def ask(client: Client, site: DeployedSite, action: str, **more: object) -> Any:
    """Invoke the function; its report of this site. Raises Failure with the error's own words."""
    event = json.dumps({"action": action, "site": site.name, **more}).encode()
    reply = client.request(Call("lambda", "POST", f"/2015-03-31/functions/{site.function}/invocations", event))
    if "x-amz-function-error" in reply.headers:
        raise Failure(f"{site.function}: {reply.json().get('errorMessage', 'failed')}")
    return reply.json()


def _generation(client: Client, site: DeployedSite, release: Mapping[str, Any]) -> Generation:
    sources, outputs = (_manifest(client, site, f"{kind}/{release['name']}") for kind in ("src", "out"))
    return Generation(
        release["generation"],
        release["at"],
        {key: fields[0] for key, fields in sources.items()},
        {path: fields[0] for path, fields in outputs.items()},
    )


def _manifest(client: Client, site: DeployedSite, name: str) -> dict[str, list[Any]]:
    content = read(client, site, name)
    manifest: dict[str, list[Any]] = json.loads(zlib.decompress(content)) if content else {}
    return manifest


def _sites(function: Mapping[str, Any]) -> list[DeployedSite]:
    variables = function.get("Environment", {}).get("Variables", {})
    state = variables.get("SITE_STATE_BUCKET")
    if not state:
        return []
    described = json.loads(variables["SITES"]).values() if variables.get("SITES") else [_described(variables)]
    names = [one.get(kind) for one in described for kind in ("output", "preview")]
    return [DeployedSite(name.strip("/"), function["FunctionName"], state) for name in names if name]


def _described(variables: Mapping[str, str]) -> dict[str, str | None]:
    return {"output": variables.get("SITE_OUTPUT_BUCKET"), "preview": variables.get("SITE_PREVIEW_BUCKET")}
