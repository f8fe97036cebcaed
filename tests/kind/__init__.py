"""Stories that only a real kubelet can tell."""
