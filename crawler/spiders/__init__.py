"""The spiders: one small module a platform, `name` = platform code = module name. They ask, and hand over items."""
