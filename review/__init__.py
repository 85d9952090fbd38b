"""DECIDE: the reviewers' queue, verdicts and web desk. It never fetches a page and never reads a text itself."""

from __future__ import annotations

from review.app import create_app

__all__ = ["create_app"]
