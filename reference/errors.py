"""The root of the typed operational errors. It knows no room and prints nothing."""


class VigieError(Exception):
    """Something in the world went wrong in a way the software expects: its text is one clear line for the operator.

    The command prints that line and exits with status 2. A programming error is never one of these.
    """
