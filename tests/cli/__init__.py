"""kubectl-hotfix: what is printed, what is refused with which sentence, exit codes."""
