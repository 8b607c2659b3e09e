"""Partial rendering: an edit is on the website long before the whole site has been built again, and never wrongly.

The real hugo renders every byte; what is chosen here is only *which* pages it renders (`reach`), and, in a cold
environment, which texts it needs for that (`stubs`, `cold`). The choice may be too small, never wrong: a whole build
follows and has the last word (`ledger`). Read `fast` first. The reasons:
docs/decisions/0015-partial-rendering.md.
"""
