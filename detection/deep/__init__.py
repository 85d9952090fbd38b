"""The third reader: a small language model adapted to the question, asked where the first two doubt."""
