"""VERIFY: read what Vigie wrote, as a stranger would. It imports nothing of what writes, and writes nothing."""
