"""The product's own settings with short times, for processes that are killed on purpose.

The order of the times is the product's: send window < job timeout < lease < job retry, and the
settle time is longer than the window, a call to the stand-in and the delay of its lists together.
"""

from __future__ import annotations

import os

from leadmetrics.settings import *  # noqa: F403
from leadmetrics.settings import INSTALLED_APPS, Q_CLUSTER, STORAGES

PUSH_SEND_WINDOW_SECONDS = 0.5
PUSH_LEASE_SECONDS = 4
PUSH_SETTLE_SECONDS = 3
PUSH_RETRY_SECONDS = 1
PUSH_HOLD_SECONDS = 2
PUSH_DOWN_WAIT_SECONDS = 1
PUSH_TAKES_ALONG_SECONDS = 1
WORKER_STALLED_SECONDS = 1
WORKER_LONGEST_PAUSE_SECONDS = 1
Q_CLUSTER = {**Q_CLUSTER, "timeout": 3, "retry": 12, "poll": 0.2}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
INSTALLED_APPS = [*INSTALLED_APPS, "tests.campaign.hooks"]

# How the worker works ("naive" is the obvious order of steps), and where it dies by itself.
CAMPAIGN_WORKER = os.environ.get("CAMPAIGN_WORKER", "")
CAMPAIGN_DIES_AT = os.environ.get("CAMPAIGN_DIES_AT", "")
