"""Work units: run many, resume, retry, quarantine."""
