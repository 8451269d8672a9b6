"""Gates that judge the configuration of servers."""
