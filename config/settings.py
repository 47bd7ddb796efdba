"""All settings, one file, read from the environment by django-environ.

Every variable stands in .env.example with its default. What is not set is safe for production: DEBUG off, cookies
for HTTPS only, no host allowed. The one exception is the project's own MariaDB (bin/db), which listens on a unix
socket alone: with it, and only with it, a secret key is made up and plain HTTP on loopback is allowed.
"""

import os
import zlib
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from config.environment import Environment
from warehouse.cores import cores
from warehouse.replica_settings import replica_of
from warehouse.zones import known_zone

BASE_DIR = Path(__file__).resolve().parent.parent
PRIVATE_DATABASE_URL_FILE = BASE_DIR / "var" / "mariadb" / "url"  # written by bin/db start
PRIVATE_SECRET_KEY_FILE = BASE_DIR / "var" / "secret_key"

env = Environment()
# Another file than .env, where web and workers have accounts of their own (docs/running.md).
ENV_FILE = Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env")
env.read_file(ENV_FILE, must_exist=bool(os.environ.get("ENV_FILE")))


def _private_secret_key() -> str:
    """The key of a machine that runs the project's own database: made once, readable by its owner alone."""
    try:
        with suppress(FileExistsError), open(PRIVATE_SECRET_KEY_FILE, "x", opener=_owner_only) as file:
            file.write(get_random_secret_key())
        return PRIVATE_SECRET_KEY_FILE.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"No secret key: {PRIVATE_SECRET_KEY_FILE} cannot be read or made ({error.strerror}). Set SECRET_KEY, or "
            "run this as the user who ran ./bin/db start"
        ) from error


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


# --- database ---------------------------------------------------------------------------------------------------
PRIVATE_DATABASE = not env.str("DATABASE_URL", default="")
if PRIVATE_DATABASE:
    try:
        _database = env.database(PRIVATE_DATABASE_URL_FILE.read_text().strip(), str(PRIVATE_DATABASE_URL_FILE))
    except OSError as error:  # not there, or another user's
        raise ImproperlyConfigured(
            "No database: set DATABASE_URL (mysql://user:password@host/name), or start the project's own with "
            f"./bin/db start ({PRIVATE_DATABASE_URL_FILE}: {error.strerror})"
        ) from error
else:
    _database = env.database(env.str("DATABASE_URL"))
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "warehouse.server.backend",
        # The ORM broker of django-q2 polls: with 0 an idle cluster opened 5 connections a second, with 60 none.
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "charset": "utf8mb4",
            "isolation_level": "read committed",
            "local_infile": True,
            # Strict whatever the server's own mode is: a value that does not fit must fail, never be bent.
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', "
            "time_zone='+00:00'",
            **_database.get("OPTIONS", {}),
        },
        "TEST": {
            # Two clones may be tested at once on one server.
            "NAME": f"test_{_database['NAME']}_{zlib.crc32(bytes(BASE_DIR)):08x}",
            "CHARSET": "utf8mb4",
            "COLLATION": "utf8mb4_unicode_ci",
        },
    }
}
# A copy that follows the server, from which history, facts and coverage are read (warehouse.server.replica). Nothing is
# written there, whatever the account may do.
DATABASE_REPLICA_LAG_SECONDS = env.int("DATABASE_REPLICA_LAG_SECONDS", default=300)
if env.str("DATABASE_REPLICA_URL", default=""):
    _replica = env.database(env.str("DATABASE_REPLICA_URL"), "DATABASE_REPLICA_URL")
    DATABASES["replica"] = replica_of(DATABASES["default"], _replica)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- security ---------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
# As it stands there: env takes a key that begins with $, as one in fifty does, for the name of another variable.
SECRET_KEY = env.ENVIRON.get("SECRET_KEY", SECRET_KEY)
if not SECRET_KEY:
    if not PRIVATE_DATABASE:
        raise ImproperlyConfigured(
            "SECRET_KEY is required with DATABASE_URL. Make one: "
            'python -c "from django.core.management.utils import get_random_secret_key as k; print(k())"'
        )
    SECRET_KEY = _private_secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if PRIVATE_DATABASE else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# A proxy in front ends TLS, sets X-Forwarded-Proto and appends to X-Forwarded-For: without one, both are whatever the
# sender wrote. PROXIES: how many stand in a row.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
PROXIES = env.int("PROXIES", default=1)
if PROXIES < 1:
    raise ImproperlyConfigured("PROXIES must be 1 or more: how many proxies in a row append to X-Forwarded-For")
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=BEHIND_TLS_PROXY or not PRIVATE_DATABASE)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_HTTPONLY = True  # no script of ours asks for it
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=BEHIND_TLS_PROXY)
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$"]  # monitors ask over plain HTTP
# 30 days, anew with each answer: long enough to hold, short enough for who has to go back.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=2_592_000 if BEHIND_TLS_PROXY else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# No script, style, picture or frame but our own files: nothing inline, so what came from outside can be none.
_SELF, _NONE = "'self'", "'none'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [_SELF],
        "object-src": [_NONE],
        "base-uri": [_NONE],
        "form-action": [_SELF],
        "frame-ancestors": [_NONE],
    }
}

# --- sign-in ----------------------------------------------------------------------------------------------------
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
SESSION_COOKIE_AGE = 12 * 3600  # since somebody last asked for something (config.signin.sessions)
AUTHENTICATION_BACKENDS = ["config.signin.backend.Gate", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
# django-axes counts failed sign-ins. The rules are config.signin.limits.RULES; its own settings know the first alone.
AXES_HANDLER = "config.signin.limits.Limits"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address", "username"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "config.signin.address.address_of"
AXES_USERNAME_CALLABLE = "config.signin.limits.typed_username"
AXES_CLIENT_STR_CALLABLE = "config.signin.limits.who"
AXES_LOCKOUT_CALLABLE = "config.signin.door.locked_out"
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_ENABLE_ADMIN = False  # config.signin.pages has them

# --- application ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "warehouse",
    "quality",
    "imports",
    "config.apps.WarehouseConfig",
    "config.apps.DeskConfig",  # django.contrib.admin, with the operators' home page
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "axes",
    "csp",
]
MIDDLEWARE = [
    # headers, of static files and of /healthz, too
    "csp.middleware.CSPMiddleware",
    "config.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.healthz.Healthz",  # before whatever asks for a host or a session
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.signin.sessions.Sliding",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "config.server_away.ServerAwayPage",  # next to the views: it hears what they raise
    "config.replica_pages.ReplicaPages",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "config.shown_pages.ShownTemplates",  # Django's, with nothing hidden on a page
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"  # everything stored and shown is UTC: no CONVERT_TZ, so no time zone tables on the server
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the files are the admin's own and ours

# One record a line: for people (line), or for what collects logs (json).
LOG_FORMAT = env.str("LOG_FORMAT", default="line")
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING")
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT must be line or json, and not {LOG_FORMAT!r}")
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    raise ImproperlyConfigured(f"LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, and not {LOG_LEVEL!r}")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "warehouse.log_lines.OneLine", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "warehouse.log_lines.OneObject"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "stamina": {"level": "ERROR"},  # it says "retry scheduled"; the sources say what of, and why
        "urllib3": {"level": "WARNING"},  # below, it tells whole addresses, and that of the webhook is a secret
        # gunicorn comes with a handler of its own, and tells at INFO that it began and ended
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": ["stderr"], "level": "INFO", "propagate": False},  # with --access-logfile -
    },
}

# --- workers ----------------------------------------------------------------------------------------------------
# django-q2 only delivers messages, at least once: what is to be done, and how far it has come, our own tables say.
# `retry` counts from when a message is fetched, so tasks stay short (25 s and a file) and few are prefetched.
# By default as many processes as cores: two at least, so that jobs do not wait for a slice of an import, and 8 at most,
# since each has some 100 MB and two connections.
_workers = env.int("WORKERS", default=max(2, min(cores(), 8)))
if _workers < 1:
    raise ImproperlyConfigured("WORKERS must be 1 or more")
Q_CLUSTER = {
    "name": "warehouse",
    "label": "Queue and recurring jobs",  # its heading in the admin
    "orm": "default",
    "broker_class": "imports.workers.broker.PausableQueue",
    "workers": _workers,
    "queue_limit": _workers,
    "bulk": 1,
    "poll": 0.5,
    "timeout": 300,
    "retry": 1200,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    # runs of each recurring job that are kept: of one every week, and of one every 5 minutes since yesterday 18:00
    "save_limit": 400,
    "save_limit_per": "group",
    "recycle": 50,
}
# --- telling operators ------------------------------------------------------------------------------------------
# Whom the workers mail to when something begins or ends to need attention, and once a day. Empty: nobody.
ALERT_EMAILS = [address.strip() for address in env.list("ALERT_EMAILS", default=[]) if address.strip()]
# Where they POST the same to as JSON, with a "text" that chat services show. Empty: nowhere. Neither shown nor logged.
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="").strip()
if ALERT_WEBHOOK_URL and not ALERT_WEBHOOK_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured("ALERT_WEBHOOK_URL must begin with https:// or http://")
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.SecretsLeftOut"
# By which server mail goes out: smtp://user:password@host:587, with smtp+tls:// or smtp+ssl://.
_mail_server = env.str("EMAIL_URL", default="smtp://localhost:25")
try:
    globals().update(env.email_url_config(_mail_server))
except ValueError as error:  # of the port; the address itself holds a password
    raise ImproperlyConfigured(f"EMAIL_URL must be smtp://user:password@host:port: {error}") from None
EMAIL_TIMEOUT = 10  # seconds; Django's default waits for ever
EMAIL_SUBJECT_PREFIX = "[warehouse] "
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="warehouse@localhost")
# The address of this site (https://warehouse.example.org), for links in what is mailed. Empty: there are none.
DESK_URL = env.str("DESK_URL", default="")
DESK_URL = DESK_URL.rstrip("/")
# By whose clock the daily report begins at yesterday 18:00; an IANA name.
REPORT_TIME_ZONE = env.str("REPORT_TIME_ZONE", default="UTC")
if known_zone(REPORT_TIME_ZONE) is None:
    raise ImproperlyConfigured(f"REPORT_TIME_ZONE {REPORT_TIME_ZONE!r} is no time zone, as America/New_York is one")

SILENCED_SYSTEM_CHECKS = [
    "models.W037",  # django-q2 has a conditional index, which MySQL and MariaDB leave out
    "security.W021",  # HSTS preload binds a whole registered domain, which is not a warehouse's to decide
]

# --- what the project exists for --------------------------------------------------------------------------------
# Where day files lie: a folder in the archive's layout, or s3://bucket.
ARCHIVE_URL = env.str("ARCHIVE_URL", default="s3://archive.themeparks.wiki")
# From where else imports may be started in the admin: folders, buckets, prefixes, with all that lies below. Empty: the
# project's own sample archive, downloads and kept answers (imports.sources.allowed). ARCHIVE_URL always.
ARCHIVE_ROOTS = env.list("ARCHIVE_ROOTS", default=[])
# Months of partitions that are made ahead of today; the checks complain below 3.
PARTITIONS_AHEAD_MONTHS = env.int("PARTITIONS_AHEAD_MONTHS", default=12)
# Whether the workers compact closed months once a month (manage.py maintain_partitions --compact).
COMPACT_MONTHLY = env.bool("COMPACT_MONTHLY", default=False)
# What the database may grow to; the forecast counts the days until then, and warns from 80 % on. 0: not known.
STORAGE_CAPACITY_GB = env.float("STORAGE_CAPACITY_GB", default=0.0)
# Rows of a day that was older than this when it was imported are a backfill, and no growth to reckon with.
BACKFILL_AFTER_DAYS = env.int("BACKFILL_AFTER_DAYS", default=3)

# A standby wait above this is taken for a fault of the source: it is reported, counted by value, and not stored.
WAIT_TIME_MAX_MINUTES = env.int("WAIT_TIME_MAX_MINUTES", default=300)
if not 1 <= WAIT_TIME_MAX_MINUTES <= 32_767:
    raise ImproperlyConfigured("WAIT_TIME_MAX_MINUTES must lie between 1 and 32767, the largest SMALLINT")

# How a bucket is reached. Signed requests take their credentials from where boto3 looks (AWS_ACCESS_KEY_ID, ...).
ARCHIVE_S3_REGION = env.str("ARCHIVE_S3_REGION", default="eu-west-2")
ARCHIVE_S3_ENDPOINT_URL = env.str("ARCHIVE_S3_ENDPOINT_URL", default="")
ARCHIVE_S3_UNSIGNED = env.bool("ARCHIVE_S3_UNSIGNED", default=True)
ARCHIVE_S3_STALL_TIMEOUT_SECONDS = env.float("ARCHIVE_S3_STALL_TIMEOUT_SECONDS", default=20.0)
ARCHIVE_S3_FILE_TIMEOUT_SECONDS = env.float("ARCHIVE_S3_FILE_TIMEOUT_SECONDS", default=120.0)
ARCHIVE_CACHE_DIR = env.str("ARCHIVE_CACHE_DIR", default="")
# Answers of the History API, each of which was a request of an hour's budget: they are always kept.
HISTORY_DIR = str(Path(ARCHIVE_CACHE_DIR or BASE_DIR / "var" / "archive-cache") / "history")
# What the storage page says the disk use of: a name, the folder, and what in it belongs to another one of these.
KEPT_FOLDERS = [
    ("Answers of the History API", HISTORY_DIR, ()),
    ("Downloaded day files", ARCHIVE_CACHE_DIR, ("history",)),
]

# Where the workers export to by night (manage.py export_history): a folder, or s3://bucket/prefix. Empty: they do not.
EXPORT_TO = env.str("EXPORT_TO", default="")
# So long a file that was replaced by a newer one stays: whoever took the list of files before may read it.
EXPORT_GRACE_HOURS = env.float("EXPORT_GRACE_HOURS", default=1.0)
# How the bucket is reached, which is another one than the archive's. Empty: as boto3 finds it.
EXPORT_S3_REGION = env.str("EXPORT_S3_REGION", default="")
EXPORT_S3_ENDPOINT_URL = env.str("EXPORT_S3_ENDPOINT_URL", default="")

# How the project names itself to the services it reads from. CONTACT: a mail address or a page.
CONTACT = env.str("CONTACT", default="")
if not (CONTACT.isascii() and CONTACT.isprintable()):
    raise ImproperlyConfigured("CONTACT is sent in the User-Agent: a mail address or page in plain ASCII, please")
USER_AGENT = "themepark-warehouse/1.0" + (f" ({CONTACT})" if CONTACT else "")

# The destinations (UUIDs) that scheduled syncs and live collections keep to. Empty: the whole catalogue.
DESTINATIONS = [uuid.strip().lower() for uuid in env.list("DESTINATIONS", default=[])]
# How often the live collector asks, as a schedule of the workers and in collect_live. Answers are cached for 60 s.
LIVE_EVERY_MINUTES = env.int("LIVE_EVERY_MINUTES", default=5)
if not 1 <= LIVE_EVERY_MINUTES <= 1_440:
    raise ImproperlyConfigured("LIVE_EVERY_MINUTES must lie between 1 and 1440, a day")

# The live API. Its documented limit is 300 requests a minute and address.
THEMEPARKS_API_URL = env.str("THEMEPARKS_API_URL", default="https://api.themeparks.wiki/v1")
THEMEPARKS_REQUESTS_PER_MINUTE = env.int("THEMEPARKS_REQUESTS_PER_MINUTE", default=240)
if not 1 <= THEMEPARKS_REQUESTS_PER_MINUTE <= 300:
    raise ImproperlyConfigured("THEMEPARKS_REQUESTS_PER_MINUTE must lie between 1 and 300, the documented limit")
# With it the History API reaches further back. Read from the environment alone, sent to THEMEPARKS_API_URL alone.
THEMEPARKS_API_KEY = env.str("THEMEPARKS_API_KEY", default="").strip()
THEMEPARKS_CACHE_DIR = env.str("THEMEPARKS_CACHE_DIR", default=str(BASE_DIR / "var" / "themeparks"))
# Who tells what the source makes of a park's days (quality.check.source_figures): `quality` knows no source.
DAILY_FIGURES = "imports.archive.daily_figures.HistoryFigures"
