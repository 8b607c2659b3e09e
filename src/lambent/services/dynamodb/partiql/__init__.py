"""PartiQL, the dialect of SQL that DynamoDB speaks: rules from a statement's text to reads and drafts of writes.

`lexer`, `parser` (with `condition_parser` and `template_parser`) make a tree of a text once; `templates` fills in a
request's parameters; `writes` and `plans` hold statements against a table's keys. Conditions and updates become those
of `expressions`. The shell is `partiql_operations`.
"""
