"""The public door: routes, token check, rate limit, CORS, deadlines."""
