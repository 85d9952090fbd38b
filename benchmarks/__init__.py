"""What it costs, each figure beside a peer, in one run."""
