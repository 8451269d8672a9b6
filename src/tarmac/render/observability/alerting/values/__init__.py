"""Values of a plan that the texts of alerts name, by what the alerts are made of.

A function yields the values of one alert at a time: none where the plan has nothing to watch.
"""
