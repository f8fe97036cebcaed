"""kubectl-hotfix: reads through the same core and adapters; prints, never decides."""
