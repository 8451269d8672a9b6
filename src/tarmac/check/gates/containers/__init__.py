"""Gates on what containers start: commands, settings, listeners and files of their images."""
