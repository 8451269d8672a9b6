"""Gates over rendered and foreign files: their views, schemas, verdicts and reports."""
