"""Many points: the rows of a table, read, computed and put in order.

A table goes through this folder so: `chunks.py` cuts the file into chunks of whole rows; `rows.py`
reads a chunk as columns of numbers; `points.py` computes value, slopes and a flag of each row, by
the engine that `point_engine.py` chooses (NumPy in blocks, or C), and has the rows that this marks
looked at again by `second_look.py`, those on kinks by `on_kinks.py`, which say one of the flags of
`flags.py`. `in_order.py` lets several threads do so with several chunks, their answers in order.
"""
