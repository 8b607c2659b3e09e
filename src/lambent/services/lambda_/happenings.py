"""Happenings live in `services.happenings` now, for every service has some."""

from lambent.services.happenings import HappeningKind, Happenings

__all__ = ["HappeningKind", "Happenings"]
