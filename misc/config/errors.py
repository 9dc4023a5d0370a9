"""Errors for people: one line that says what, where, expected and how to mend it."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """Something the user can mend: a config key, a file, a picture, a run folder.

    The message is one line that names what happened, where, what was received, what was expected
    and what to do. A program that ends with it prints `error: <message>` and exits with code 2.
    """


def run_program(main: Callable[[list[str] | None], int | None]) -> int:
    """Call `main()` and turn a `UserError` into one line on stderr and exit code 2.

    Returns the exit code: 0, what `main` returned, 2 for a `UserError`, 130 for Ctrl-C. Every other
    exception keeps its traceback: it is our mistake, not the user's.
    """
    try:
        return main(None) or 0
    except UserError as error:
        message = " ".join(str(error).split())
        print(f"error: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
