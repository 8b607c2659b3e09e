"""Lambent: your own Lambda. The way in is `lambent.app`; the map is ARCHITECTURE.md."""

__version__ = "0.1.0"
