"""What runs inside the sandbox, under whatever interpreter a function asks for.

Nothing here imports anything of Lambent's but its neighbours, and nothing outside the standard library: these
files are shown to sandboxes at /var/runtime/lambent and run on Python 3.9 and later. `launch.py` starts them,
`zygote.py` is the process everything else is forked from.
"""
