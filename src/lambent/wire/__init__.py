"""The AWS wire protocols without I/O: bytes in, values out. Whatever the bytes: a value, or a ServiceError."""
