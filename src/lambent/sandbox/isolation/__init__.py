"""Isolation: what stands between a function and the machine; `contract.py` says what, the others how."""
