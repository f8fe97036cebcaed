"""`make bench-decision`: the quality of decisions, ours and those of threshold rules, in the same simulated worlds."""
