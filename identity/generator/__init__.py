"""An invented register and the listings of its practitioners, for demonstrations, tests and measurements.

It knows nothing of the matcher: what pages get wrong was written down before anything was matched.
"""

from identity.generator.listings import Drawn, Truth, draw, homonym_listings, organisation_listings
from identity.generator.people import Person, Place, World
from identity.generator.rows import Extra, write_extraction
from identity.generator.scenarios import Scenario, dated_scenarios

__all__ = [
    "Drawn",
    "Extra",
    "Person",
    "Place",
    "Scenario",
    "Truth",
    "World",
    "dated_scenarios",
    "draw",
    "homonym_listings",
    "organisation_listings",
    "write_extraction",
]
