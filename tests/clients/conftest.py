"""SDKs of other languages, installed once for all tests here."""

from pathlib import Path

import pytest

from clients import javascript_sdks


@pytest.fixture(scope="session")
def javascript() -> Path:
    """The directory whose node_modules has the AWS SDKs for JavaScript, v2 and v3."""
    return javascript_sdks.install()
