"""`python -m hotfix` runs the operator."""

from hotfix.runtime.app import main

main()
