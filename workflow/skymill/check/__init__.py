"""``skymill check``: a finished simulated release against its truth, figure by figure."""
