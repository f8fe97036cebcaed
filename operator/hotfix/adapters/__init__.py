"""Outside things, one file each: every client error is translated into hotfix.errors here."""
