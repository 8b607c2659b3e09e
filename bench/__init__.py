"""Measurements anybody can repeat: `python -m bench` (see README.md here)."""
