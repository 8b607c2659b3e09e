"""A deployed site as commands see it: which function builds it, and what it remembers in the state bucket.

The layout is apps/site's own (`sitebuilder/state.py`); it is only read here.
"""

import contextlib
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lambent.cli.client import Call, Client, Refused
from lambent.cli.failure import Failure
from lambent.cli.function_list import list_functions
from lambent.kit.frozen import frozen

#: Columns of an output in a manifest.
_MD5, _ORIGIN = 0, 5
_GRAPH = "graph.json.z"
_NOTHING = hashlib.sha256(b"").hexdigest()


@frozen
class DeployedSite:
    name: str
    """The website's bucket, or bucket/folder."""
    function: str
    state_bucket: str
    url: str = ""
    """Where its visitors find it, as far as the function was told."""


@frozen
class Generation:
    number: int
    at: float
    sources: Mapping[str, str]
    """Key to ETag."""
    outputs: Mapping[str, str]
    """Path to MD5."""
    copies: Mapping[str, str]
    """Path to the source that it is a copy of: static files that hugo has not seen."""


def all_sites(client: Client) -> list[DeployedSite]:
    """Raises Failure if there is none."""
    sites = [site for function in list_functions(client) for site in _sites(function)]
    if not sites:
        raise Failure("No function here builds a site. Set one up with: lambent demo site")
    return sites


def find(client: Client, name: str) -> DeployedSite:
    """The site of that name; without a name, the only one there is."""
    return named(all_sites(client), name)


def named(sites: Sequence[DeployedSite], name: str) -> DeployedSite:
    """Raises Failure, also if there are several and none was named."""
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
    return [generation(client, site, release) for release in reversed(head["releases"])]


def graph(client: Client, site: DeployedSite) -> bytes | None:
    """What is known of the site's dependencies. The builder keeps it of large sites, and of others makes it if asked:
    which may fail (somebody is building, the sources are wrong), and then there is none.
    """
    found = read(client, site, _GRAPH)
    if found is None:
        with contextlib.suppress(Failure):
            if ask(client, site, "tree")["outcome"] == "published":  # something was to be built first
                ask(client, site, "tree")
        found = read(client, site, _GRAPH)
    return found


def ask(client: Client, site: DeployedSite, action: str, **more: object) -> Any:
    """Invoke the function; its report of this site. Raises Failure with the error's own words."""
    event = json.dumps({"action": action, "site": site.name, **more}).encode()
    reply = client.request(Call("lambda", "POST", f"/2015-03-31/functions/{site.function}/invocations", event))
    if "x-amz-function-error" in reply.headers:
        raise Failure(f"{site.function}: {reply.json().get('errorMessage', 'failed')}")
    return reply.json()


def generation(client: Client, site: DeployedSite, release: Mapping[str, Any]) -> Generation:
    sources, outputs = (_manifest(client, site, kind, release["name"]) for kind in ("src", "out"))
    return Generation(
        release["generation"],
        release["at"],
        {key: fields[0] for key, fields in sources.items()},
        {path: fields[_MD5] for path, fields in outputs.items()},
        {path: fields[_ORIGIN] for path, fields in outputs.items() if fields[_ORIGIN]},
    )


def _manifest(client: Client, site: DeployedSite, kind: str, name: str) -> dict[str, list[Any]]:
    """Most are written as a difference from a whole one (`sitebuilder/manifests.py`)."""
    content = read(client, site, f"{kind}/{name}")
    document = json.loads(zlib.decompress(content)) if content else {}
    if isinstance(document, dict):
        return document
    since, new, gone = document
    whole = _manifest(client, site, kind, since) | new
    return {key: fields for key, fields in whole.items() if key not in gone}


def _sites(function: Mapping[str, Any]) -> list[DeployedSite]:
    variables = function.get("Environment", {}).get("Variables", {})
    state = variables.get("SITE_STATE_BUCKET")
    if not state:
        return []
    described = json.loads(variables["SITES"]).values() if variables.get("SITES") else [_described(variables)]
    places = [
        (one.get(output), one.get(base_url))
        for one in described
        for output, base_url in (("output", "base_url"), ("preview", "preview_base_url"))
    ]
    return [DeployedSite(name.strip("/"), function["FunctionName"], state, url or "") for name, url in places if name]


def _described(variables: Mapping[str, str]) -> dict[str, str | None]:
    return {
        "output": variables.get("SITE_OUTPUT_BUCKET"),
        "base_url": variables.get("SITE_BASE_URL"),
        "preview": variables.get("SITE_PREVIEW_BUCKET"),
        "preview_base_url": variables.get("SITE_PREVIEW_BASE_URL"),
    }
