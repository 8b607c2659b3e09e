"""Measurements anybody can repeat: `python -m bench` (see README.md here)."""

import sys
from pathlib import Path

#: `site_edits` measures the builder of apps/site as a library.
sys.path.append(str(Path(__file__).parent.parent / "apps/site"))
