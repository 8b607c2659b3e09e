"""hugo's own filter on what is rendered, generated for a set of pages (`segments`, since hugo 0.124).     (pure)

"Segments do not restrict access to the complete object graph": the pages come out as in a whole build.
"""

import json
import re
from collections.abc import Iterable

NAME = "lambent"
_GLOB = re.compile(r"([\\*?\[\]{},!])")


def configuration(paths: Iterable[str]) -> bytes:
    """A configuration to be merged with the site's. Paths are logical ones (`.Path`), in all their languages."""
    included = [{"path": [escape(path) for path in sorted(paths)]}]
    return json.dumps({"segments": {NAME: {"includes": included}}}).encode()


def escape(path: str) -> str:
    return _GLOB.sub(r"\\\1", path)
