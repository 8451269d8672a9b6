"""Store and broker kinds, one file each: their outputs, and how each provider starts one.

A kind is data and pure functions; `local` starts what they describe. Files here do not import each
other.
"""
