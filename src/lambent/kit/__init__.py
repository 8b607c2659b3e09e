"""Leaves that everything may import and that import nothing of ours: time, ids, ARNs, back-off, supervision."""
