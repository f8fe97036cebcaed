"""`make demo`: two hotfixes on a real cluster, one that cures and one that crashes, watched live."""
