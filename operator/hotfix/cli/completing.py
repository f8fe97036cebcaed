"""`kubectl_complete-hotfix`: what kubectl asks for when somebody presses Tab after `kubectl hotfix`. One candidate a line, then a
directive (protocol: kubectl's plugin completion, which is cobra's). The candidates are the ones that bash is told.
"""

import io
import os
import shlex
import sys
from contextlib import redirect_stdout, suppress

from .app import COMPLETING, PROGRAM, app

NO_FILES, FILES = 4, 0  # cobra: ShellCompDirectiveNoFileComp, ShellCompDirectiveDefault
TAKES_FILES = ("-f", "--filename", "--kubeconfig", "--prometheus-bearer-token-file", "--prometheus-ca-file")


def candidates(words: list[str]) -> list[str]:
    """What may stand in the place of the last word. Ends the completion of this process: nothing else is to run in it."""
    asked = {COMPLETING: "complete_bash", "COMP_WORDS": shlex.join([PROGRAM, *words]), "COMP_CWORD": str(max(1, len(words)))}
    os.environ.update(asked)
    said = io.StringIO()
    with suppress(SystemExit), redirect_stdout(said):  # it ends after an answer
        app(args=[], prog_name=PROGRAM, complete_var=COMPLETING)
    return [line for line in said.getvalue().splitlines() if line]


def main() -> None:
    """Console script."""
    words = sys.argv[1:]
    for line in candidates(words):
        print(line)
    print(f":{FILES if len(words) > 1 and words[-2] in TAKES_FILES else NO_FILES}")
