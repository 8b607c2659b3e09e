"""The expression language: conditions and filters, key conditions, projections, updates.

`parser` turns text into a tree (`ast`; kept by text, since clients send the same few expressions again and again), and
one module per kind binds names and values into closures: `conditions`, `key_conditions`, `projections`, `updates`.
`placeholders` counts which names and values of a request were used.
"""
