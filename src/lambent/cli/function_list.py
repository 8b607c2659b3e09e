"""The functions of a platform, as ListFunctions describes them."""

from typing import Any
from urllib.parse import quote

from lambent.cli.client import Call, Client


def list_functions(client: Client) -> list[dict[str, Any]]:
    """All pages of it. Raises Failure."""
    found: list[dict[str, Any]] = []
    marker = ""
    while True:
        query = f"?Marker={quote(marker, safe='')}" if marker else ""
        page = client.request(Call("lambda", "GET", f"/2015-03-31/functions/{query}")).json()
        found += page["Functions"]
        marker = page.get("NextMarker") or ""
        if not marker:
            return found
