"""CloudWatch Logs: what functions print, kept and searched.

Lines come in through `writer` (functions, at full speed) and `operations` (PutLogEvents), are packed into chunks
(`chunks`), and read back in order of time (`reading`). `filter_patterns` is AWS's search language.
"""
