"""The command line: one module per command. Commands call the HTTP API; only `up` and `demo` build the platform.

`main` is the table of commands, each loaded when it is called; `client` is how they reach a platform.
"""
