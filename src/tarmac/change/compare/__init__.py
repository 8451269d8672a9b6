"""Two states of a repository compared by what they mean for what runs, grouped by risk.

`facts` and `objects` say what is so on one side, `judging` and `telling` what a difference means;
only `revisions` reads anything. Called by `tarmac diff`.
"""
