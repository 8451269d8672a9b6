"""Model + facts -> plan: every name, port, URL, variable and secret reference. Pure, no I/O."""
