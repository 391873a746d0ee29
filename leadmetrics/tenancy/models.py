"""Who works here: people, tenants, and what each person may do in a tenant."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property


class UserManager(BaseUserManager["User"]):
    """People sign in with their e-mail address, whatever its case."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A saved person; the address is kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A saved operator with every right in Django admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """The person with this address; Django's sign-in asks through here."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractUser):
    username = None  # type: ignore[assignment]  # the e-mail address is the name here
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_per_email")]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]

    @cached_property
    def joined(self) -> list[Membership]:
        """The workspaces this person works in, by name; read once for each request."""
        return list(self.memberships.select_related("tenant").order_by("tenant__name", "tenant_id"))


def validate_timezone(name: str) -> None:
    """Raises ValidationError unless ``name`` is a zone like Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError("This is not a timezone name like Europe/Berlin.") from None


# Superlatives and promises that advertising law asks proof for nearly everywhere.
DEFAULT_CLAIMS = "\n".join(
    (
        "best ever",
        "the best",
        "number one",
        "#1",
        "world's best",
        "guaranteed",
        "100% safe",
        "risk-free",
        "miracle",
        "cure",
        "clinically proven",
        "instant results",
        "get rich",
    )
)


MOST_UNDO_MINUTES = 120


class Tenant(models.Model):
    class CopyLimits(models.TextChoices):
        STRICT = "strict", "Refuse text beyond Meta's recommended lengths"
        ADVISORY = "advisory", "Accept longer text and show where the feed cuts it"

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=60, default="UTC", validators=[validate_timezone])
    copy_limits = models.CharField(
        max_length=10, choices=CopyLimits.choices, default=CopyLimits.STRICT
    )
    author_may_approve = models.BooleanField(
        "people may approve their own edit",
        default=False,
        help_text="When off, somebody else must approve a text that a person has edited.",
    )
    undo_minutes = models.PositiveSmallIntegerField(
        "minutes to undo a decision",
        default=10,
        validators=[MaxValueValidator(MOST_UNDO_MINUTES)],
        help_text="An approved ad is sent when they are over; 0 sends it at once.",
    )
    approvals_needed = models.PositiveSmallIntegerField(
        "people who must approve",
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(2)],
        help_text="How many different people must approve the same text.",
    )
    due_hours = models.PositiveSmallIntegerField(
        "hours to decide",
        default=24,
        validators=[MinValueValidator(1)],
        help_text="After this many hours an ad that waits is overdue.",
    )
    expire_days = models.PositiveSmallIntegerField(
        "days until an ad expires undecided",
        default=30,
        validators=[MinValueValidator(1)],
        help_text="Then it leaves the queue as not decided: neither a yes nor a no.",
    )
    claims = models.TextField(
        "claims to prove",
        blank=True,
        default=DEFAULT_CLAIMS,
        help_text="One a line. An ad that uses one is marked for whoever decides it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    REVIEWER = "reviewer", "Reviewer"
    ADMIN = "admin", "Admin"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    can_activate = models.BooleanField(
        "may switch ads on",
        default=False,
        help_text="An admin gives this right by itself; no role includes it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # When the person last came to the report, and when they had come before that.
    report_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    report_seen_before = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_person"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} ({self.role})"

    def covers(self, role: Role) -> bool:
        """Whether this membership includes what ``role`` may do."""
        return Role(self.role).rank >= role.rank

    @property
    def is_reviewer(self) -> bool:
        return self.covers(Role.REVIEWER)

    @property
    def may_activate(self) -> bool:
        """Whether this person may switch ads on: the right, and at least the role of a reviewer."""
        return self.can_activate and self.is_reviewer

    @property
    def is_admin(self) -> bool:
        return self.covers(Role.ADMIN)
