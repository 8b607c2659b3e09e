"""hugo-lambda: sources in one bucket become a website in another, rebuilt by hugo whenever an object changes.

The way in is `handler`; the main path is `build`. Rules (`events`, `sources`, `outputs`, `publication`, `turns`,
`diagnostics`) are functions from values to values; `buckets`, `workspace`, `hugo`, `publisher` and `turn_keeper` do
the I/O.
"""
