"""Amazon S3: buckets, objects, multipart uploads, and what a change of an object sets off.

`operations/` holds the shells (one module per family of operations), `store.py` the SQL over buckets and objects,
`data_plane.py` the way bytes take in and out; every other module is rules: values in, a decision out.
"""
