"""Who is it: what a page shows of a person's registration, with reasons, or why nothing can be said."""

from identity.match import VERSION, Identity, Shown, Status, identify
from identity.rpps import luhn, read_rpps

__all__ = ["VERSION", "Identity", "Shown", "Status", "identify", "luhn", "read_rpps"]
