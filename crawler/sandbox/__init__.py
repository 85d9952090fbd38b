"""A practice platform on loopback: invented people, planted wording, real platforms' faults, and its own truth."""

from crawler.sandbox.server import SandboxServer
from crawler.sandbox.world import PlantedPassage, Sandbox

__all__ = ["PlantedPassage", "Sandbox", "SandboxServer"]
