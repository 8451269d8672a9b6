"""Gates on what takes logs, traces and metrics and hands them on."""
