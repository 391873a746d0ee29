"""A cache in Redis without which the product goes on working.

What is kept there is a convenience: while Redis is away nothing is found, nothing is kept, and
limits do not count. The queue's own status has a cache of its own, whose failure must be seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ForgivingRedisCache(RedisCache):
    """Redis; while it is away it answers as an empty cache would."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, or the default."""
        return _or(default, lambda: super(ForgivingRedisCache, self).get(key, default, version))

    def add(self, *args: Any, **options: Any) -> bool:
        """Whether it was added."""
        return _or(True, lambda: super(ForgivingRedisCache, self).add(*args, **options))

    def set(self, *args: Any, **options: Any) -> None:
        """Keep it, if that is possible."""
        _or(None, lambda: super(ForgivingRedisCache, self).set(*args, **options))

    def touch(self, *args: Any, **options: Any) -> bool:
        """Whether it is there."""
        return _or(False, lambda: super(ForgivingRedisCache, self).touch(*args, **options))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """The sum, or what was to be added."""
        return _or(delta, lambda: super(ForgivingRedisCache, self).incr(key, delta, version))


def _or(otherwise: T, ask: Callable[[], T]) -> T:
    from redis.exceptions import RedisError  # an optional package

    try:
        return ask()
    except RedisError as exc:
        logger.warning("the cache is away: %s", type(exc).__name__)
        return otherwise
