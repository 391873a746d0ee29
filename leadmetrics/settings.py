"""The one place that reads the environment. `.env.example` lists every variable.

Without any variable the embedded default applies: SQLite, local processes, the stand-in Graph API,
secrets made once and kept in an ignored file. An address in SITE_URL that is not this machine's
means production, and then every secret must be given.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from leadmetrics.secrets import load_or_make_secrets, parse_encryption_keys

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def _text(name: str, default: str = "") -> str:
    """The variable's value; an empty one, as in a copied .env.example, counts as not set."""
    return env.str(name, default="") or default


def _list(name: str, default: list[str]) -> list[str]:
    return [part.strip() for part in _text(name).split(",") if part.strip()] or default


# --- Where we are ------------------------------------------------------------------------------
try:
    PORT, SANDBOX_PORT = int(_text("PORT", "8000")), int(_text("SANDBOX_PORT", "8001"))
except ValueError:
    raise ImproperlyConfigured("PORT and SANDBOX_PORT must be numbers.") from None
SITE_URL = _text("SITE_URL", f"http://localhost:{PORT}").rstrip("/")
DATA_DIR = Path(_text("DATA_DIR", str(BASE_DIR / "var"))).resolve()

_site = urlsplit(SITE_URL)
if _site.scheme not in ("http", "https") or not _site.hostname or _site.path:
    raise ImproperlyConfigured(
        "SITE_URL must be an address like https://ads.example.com, without a path."
    )
PRODUCTION = _site.hostname not in ("localhost", "127.0.0.1", "::1")
if PRODUCTION and _site.scheme != "https":
    raise ImproperlyConfigured("SITE_URL must start with https:// (Meta accepts no other).")

DEBUG = _text("DEBUG", "false").lower() in ("1", "true", "yes", "on")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG must be off when SITE_URL is a public address.")


def _required(name: str) -> str:
    """The variable's value; in production a missing one stops the start with one clear line."""
    value = _text(name)
    if PRODUCTION and not value:
        raise ImproperlyConfigured(f"{name} is not set. Production needs it; see .env.example.")
    return value


# --- Secrets -----------------------------------------------------------------------------------
SECRET_KEY = _required("SECRET_KEY")
_encryption_keys = _required("ENCRYPTION_KEYS")
if not (SECRET_KEY and _encryption_keys):
    _made = load_or_make_secrets(DATA_DIR / "secrets.env")
    SECRET_KEY = SECRET_KEY or _made["SECRET_KEY"]
    _encryption_keys = _encryption_keys or _made["ENCRYPTION_KEYS"]
try:
    ENCRYPTION_KEYS = parse_encryption_keys(_encryption_keys)
except ValueError as exc:
    raise ImproperlyConfigured(f"ENCRYPTION_KEYS: {exc}") from None

# --- Meta --------------------------------------------------------------------------------------
# Public constants: the stand-in Graph API knows one app, and its secret protects nothing.
SANDBOX_APP_ID = "100000000000001"
SANDBOX_APP_SECRET = "stand-in-app-secret"  # noqa: S105 - not a secret, see above

META_APP_ID = _required("META_APP_ID")
META_APP_SECRET = _required("META_APP_SECRET")
# While the secret is being replaced in the app dashboard; empty otherwise.
META_APP_SECRET_PREVIOUS = _text("META_APP_SECRET_PREVIOUS")
META_API_VERSION = _text("META_API_VERSION", "v26.0")
SANDBOX = not META_APP_ID
SANDBOX_URL = f"http://localhost:{SANDBOX_PORT}"
if SANDBOX:
    META_APP_ID, META_APP_SECRET = SANDBOX_APP_ID, SANDBOX_APP_SECRET
    META_APP_SECRET_PREVIOUS = ""
elif not META_APP_SECRET:
    raise ImproperlyConfigured("META_APP_SECRET is not set, but META_APP_ID is.")
META_API_BASE_URL = _text(
    "META_API_BASE_URL",
    f"http://127.0.0.1:{SANDBOX_PORT}" if SANDBOX else "https://graph.facebook.com",
).rstrip("/")
META_OAUTH_DIALOG_URL = _text(
    "META_OAUTH_DIALOG_URL",
    (SANDBOX_URL if SANDBOX else "https://www.facebook.com") + f"/{META_API_VERSION}/dialog/oauth",
)
# "<id>" of a configuration for people, "<id>:system_user" of one for a business's own tokens.
_login_config, _, _login_kind = _text("META_LOGIN_CONFIG_ID").partition(":")
if (_login_config and not _login_config.isdigit()) or _login_kind not in ("", "system_user"):
    raise ImproperlyConfigured("META_LOGIN_CONFIG_ID must look like 123 or 123:system_user.")
META_LOGIN_CONFIG_ID, META_LOGIN_IS_SYSTEM_USER = _login_config, bool(_login_kind)
META_SCOPES = _list(
    "META_SCOPES",
    [
        "ads_read",
        "ads_management",
        "business_management",
        "pages_show_list",
        "pages_read_engagement",
        "pages_manage_ads",
    ],
)

# Opening the links of ads reaches out to addresses that others chose, so it is a choice to make.
LINK_CHECKS = _text("LINK_CHECKS", "false").lower() in ("1", "true", "yes", "on")
# Meta's own preview beside ours: the one thing that a page of ours loads from somebody else.
META_PREVIEWS = _text("META_PREVIEWS", "true").lower() in ("1", "true", "yes", "on")

# --- Django ------------------------------------------------------------------------------------
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", [_site.hostname, "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "leadmetrics.tenancy.middleware.csrf_failure"
ROOT_URLCONF = "leadmetrics.urls"
WSGI_APPLICATION = "leadmetrics.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "leadmetrics",  # before the queue, whose command it extends
    "django_q",
    "leadmetrics.tenancy",
    "leadmetrics.audit",
    "leadmetrics.notices",
    "integrations",
    "approvals",
    "leadmetrics.reports",
    "leadmetrics.agents",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "leadmetrics.tenancy.middleware.SignInFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "leadmetrics.tenancy.middleware.TenantMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "leadmetrics.context.product",
            ],
            "builtins": ["leadmetrics.templatetags.ui"],
        },
    }
]

# --- Database ----------------------------------------------------------------------------------
_database_url = _text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
if not _database_url.startswith(("sqlite:///", "postgres://", "postgresql://")):
    raise ImproperlyConfigured("DATABASE_URL must look like postgres://user:password@host/name.")
_database = env.db_url_config(_database_url)
DATABASES = {"default": _database}
if _database["ENGINE"].endswith("sqlite3"):
    # Read-then-write under load fails without IMMEDIATE; without recursive triggers a REPLACE
    # walks past the triggers that keep the audit log append-only.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
        ),
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True

# --- Cache: shared between processes, because the queue's status lives in it --------------------
_redis_url = _text("REDIS_URL")
_cache: dict[str, object] = {
    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
    "LOCATION": DATA_DIR / "cache",
    # The default of 300 would let counters of rate limits fall out early.
    "OPTIONS": {"MAX_ENTRIES": 10_000},
}
if _redis_url:
    _cache = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _redis_url,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
CACHES = {"default": _cache, "queue": _cache}
if _redis_url:
    CACHES["default"] = {**_cache, "BACKEND": "leadmetrics.cache.ForgivingRedisCache"}

# --- Queue: see leadmetrics/queue.py for what each figure is for ---------------------------------
Q_CLUSTER = {
    "name": "leadmetrics",
    "orm": "default",
    "cache": "queue",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 60,
    "retry": 240,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": 0,
    "poll": 1,
    "guard_cycle": 1,
    "recycle": 500,
    "max_rss": 300_000,
    "label": "Queue",
}

# --- Pushes: one order of durations, in seconds ---------------------------------------------------
# send window < deadline of a call (30) < job timeout (60) < lease < job retry (240).
# A worker that slept between storing its intent and sending it may send only within the window.
PUSH_SEND_WINDOW_SECONDS = 15
PUSH_LEASE_SECONDS = 90
# After an unanswered write, how long to wait before looking the ad up: twice the deadline of a call
# (30 s) plus the time Meta's lists may lag behind a write (120 s, assumed).
PUSH_SETTLE_SECONDS = 180
PUSH_RETRY_SECONDS = 30
# While the grant cannot be used or writing is stopped; a reconnect or the switch ends it sooner.
PUSH_HOLD_SECONDS = 300
# After a write that Meta did not take because it, or the way to it, was down.
PUSH_DOWN_WAIT_SECONDS = 60
# A job takes along what else is due in its ad account, for so long: well below a job's limit.
PUSH_TAKES_ALONG_SECONDS = 20

# --- Supervision: how long a cluster may stand still beyond its jobs' limit; longest pause --------
WORKER_STALLED_SECONDS = 30
WORKER_LONGEST_PAUSE_SECONDS = 30

# --- People ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = ["leadmetrics.tenancy.backend.MemberBackend"]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "sign_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# --- Transport and browser security --------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would drop the session on the way back from Meta
SESSION_COOKIE_AGE = 7 * 24 * 3600
CSRF_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

# A page loads nothing from anybody else, with one exception, which META_PREVIEWS switches off.
_frame = META_API_BASE_URL if SANDBOX else "https://*.facebook.com"
_dialog = urlsplit(META_OAUTH_DIALOG_URL)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        # The single exception: Meta's own preview of an ad, in a sandboxed frame beside ours. It is
        # asked for after the page, and only an address that Meta gave for this very ad is loaded.
        "frame-src": [_frame if META_PREVIEWS else NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        # form-action also governs redirects: connecting posts a form that ends at Meta's dialog.
        "form-action": [SELF, f"{_dialog.scheme}://{_dialog.netloc}"],
    }
}

# --- Files, language, mail, logs -----------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "media"},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024

# "From" of every mail; SMTP servers refuse what is not theirs.
DEFAULT_FROM_EMAIL = _text("EMAIL_FROM", f"Leadmetrics <no-reply@{_site.hostname}>")
vars().update(env.email_url_config(_text("EMAIL_URL", f"filemail:///{DATA_DIR / 'mail'}")))

# The embedded default writes mails into files, and a page shows them.
KEEPS_MAILS = not PRODUCTION and not _text("EMAIL_URL")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": _text("LOG_LEVEL", "INFO")},
    "loggers": {"django.server": {"level": "WARNING"}, "django-q": {"level": "WARNING"}},
}
