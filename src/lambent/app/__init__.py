"""The composition root: builds every part, hands each what it needs, and runs them.

`parts` shows what exists and who knows whom, `services` what clients are served, `platform` runs it all (`lambent demo`
and tests use it as a context manager), `running` is `lambent up`.
"""

from lambent.app.platform import Platform, StartError
from lambent.app.running import Ready, run

__all__ = ["Platform", "Ready", "StartError", "run"]
