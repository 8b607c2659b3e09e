"""DynamoDB: tables of items, their indexes and their change streams.

An item in memory is the wire's own form, `{"name": {"S": "x"}}` (`values`), and every rule about one stands in a module
without I/O: `numbers`, `sizes`, `keys`, `expressions`, and `legacy` for the parameters that came before expressions.
"""
