"""The scoreboard's function: it rolls a table's change stream up into one item, the best games of the last hour.

`handler` is what Lambda calls; `board` is the rule that everything rests on.
"""
