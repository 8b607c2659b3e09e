"""Failure: a command's end that is not success, as a sentence for the person who typed it."""


class Failure(Exception):
    """Says what happened, why, and what to do; printed as `lambent: <sentence>`, the process exits with `exit_code`.

    An empty message prints nothing: the command has said it all.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


#: The arguments do not make sense (what the option parser uses as well).
USAGE = 2
