"""What people asked Meta to have deleted here."""

from __future__ import annotations

from django.db import models


class DataDeletion(models.Model):
    """One signed request. It keeps no id of the person, only a digest that finds a repetition."""

    code = models.CharField(max_length=32, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    connections = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.code
