"""Settings: one file, sections, read from the environment only.

A value that must be secret has no default outside development, and a missing one stops the start with its name.
`.env.example` lists every variable read here; a test keeps the two equal.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlparse

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env_file = Path(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
if env_file.is_file():
    env.read_env(env_file)

# --- Environment -----------------------------------------------------------------------------
ENVIRONMENT = env.str("ENVIRONMENT", default="development")
if ENVIRONMENT not in {"development", "production", "test"}:
    raise ImproperlyConfigured(f"ENVIRONMENT must be development, production or test, not {ENVIRONMENT!r}.")
IN_PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
# Strategies of the user's own, *.py; what lies there is run as part of TradeBot.
STRATEGIES_DIR = Path(env.str("STRATEGIES_DIR", default=str(DATA_DIR / "strategies"))).resolve()
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)


def secret(name: str) -> str:
    """The secret called `name`; outside production a fixed, worthless one, so that commands work on a clone."""
    value = env.str(name, default="")
    if value:
        return value
    if IN_PRODUCTION:
        raise ImproperlyConfigured(f"{name} must be set in production.")
    return f"development-only-{name.lower()}-0123456789abcdef"


def positive_amount(name: str, *, default: str) -> Decimal:
    """The amount called `name`, above zero and with at most eight decimal places."""
    text = env.str(name, default=default)
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,8})?", text) or not Decimal(text):
        raise ImproperlyConfigured(f"{name} must be a plain amount above zero, not {text!r}.")
    return Decimal(text)


# --- Secrets ---------------------------------------------------------------------------------
SECRET_KEY = secret("SECRET_KEY")
JWT_SIGNING_KEY = secret("JWT_SIGNING_KEY")
# Fernet keys, newest first: the first encrypts, all decrypt.
FERNET_KEYS = env.list("FERNET_KEYS", default=[])
if not FERNET_KEYS:
    if IN_PRODUCTION:
        raise ImproperlyConfigured("FERNET_KEYS must be set in production (comma separated, newest first).")
    FERNET_KEYS = ["ZGV2ZWxvcG1lbnQtb25seS1mZXJuZXQta2V5LTAwMDA="]
for number, key in enumerate(FERNET_KEYS, start=1):
    try:
        Fernet(key)
    except ValueError:
        # `from None`, and no word of the value: this message ends in logs.
        raise ImproperlyConfigured(
            f"FERNET_KEYS: key {number} is not a Fernet key (32 bytes in URL-safe base64). Make one with "
            'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())".'
        ) from None

# --- Hosts and origins -----------------------------------------------------------------------
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if IN_PRODUCTION else ["127.0.0.1", "localhost", "testserver", HOST]
)
FRONTEND_URL = env.str("FRONTEND_URL", default="")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[FRONTEND_URL] if FRONTEND_URL else [])
# Where this installation is found, for links in mails.
SITE_URL = env.str(
    "SITE_URL",
    default=f"https://{ALLOWED_HOSTS[0]}" if IN_PRODUCTION and ALLOWED_HOSTS else f"http://{HOST}:{PORT}",
).rstrip("/")
# How many proxies of ours stand in front: the client's address is what the outermost of them wrote into
# X-Forwarded-For. 0: nobody does, and the header is a client's own invention.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
if IN_PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off in production.")
    if not ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must be set in production.")
    # Sign-in cookies travel over TLS only; nginx terminates it and says so in this header.
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("COOKIES_SECURE", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Applications ----------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_eventstream",
    "django_htmx",
    "allauth",
    "allauth.account",
    "django_structlog",
    "exchange",
    "accounts",
    "bots",
    "trading",
    "tradebot",
]
MIDDLEWARE = [
    # First: health must answer when sessions, database or anything below cannot.
    "tradebot.health_pages.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "tradebot.admin_csp.AdminPolicyMiddleware",
    "tradebot.static_files.StaticFilesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.acting.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tradebot.page_middleware.HtmxPageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "tradebot.urls"
ASGI_APPLICATION = "tradebot.asgi.application"
# A page typed without its last slash is found; the API answers with and without, never by redirect.
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "trading.halt_sign.halt_sign",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    }
]

# --- Database --------------------------------------------------------------------------------
DATABASES = {
    "default": env.db("DATABASE_URL", default="postgres://tradebot:tradebot@127.0.0.1:5432/tradebot")
}
# A web process shares a small pool; a worker keeps one connection per child,
# the feed one per thread (see CELERY_DB_REUSE_MAX).
PROCESS_ROLE = env.str("PROCESS_ROLE", default="command")
if PROCESS_ROLE == "web":
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 12, "timeout": 5}}
    DATABASES["default"]["CONN_MAX_AGE"] = 0
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None if PROCESS_ROLE in {"worker", "research", "feed"} else 0
# A connection that its server's death has broken is noticed before it is used.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
# What a process asks again and again is parsed and planned once: half of the server's work in a burst of orders.
DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 5}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis (Valkey): broker, cache, live events ----------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# Django's own cache is local: nothing of money, sessions or work may depend on Redis.
# (exchange.cache is the Redis door.)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Celery ----------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 150
CELERY_TASK_TIME_LIMIT = 180
CELERY_DB_REUSE_MAX = 100_000
# Money never waits for research, which has a queue and a worker of its own (tradebot/supervisor/table.py).
CELERY_TASK_DEFAULT_QUEUE = "celery"
# Runs stand behind everything else in the queue (0 goes first): what protects and settles never waits for a hundred of
# them. In research somebody waits for an overlay or a backtest; searches and the night's comparisons have time.
# On Redis a priority is a list of its own.
CELERY_TASK_ROUTES = {
    "trading.run_bot_task": {"priority": 6},
    "trading.run_bots_chunk": {"priority": 6},
    "trading.run_entering_bots": {"priority": 6},
    "trading.draw_overlay": {"queue": "research", "priority": 0},
    "trading.run_backtest": {"queue": "research", "priority": 3},
    "trading.check_parity": {"queue": "research", "priority": 3},
    "trading.run_optimization": {"queue": "research", "priority": 9},
    "trading.check_parity_of_all": {"queue": "research", "priority": 9},
    "exchange.pack_candles": {"queue": "research", "priority": 9},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A task unacknowledged for longer than its hard limit is delivered again.
    "visibility_timeout": 300,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "health_check_interval": 10,
    "retry_policy": {"timeout": 3.0},
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"retry_policy": {"timeout": 3.0}}
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
# After so long without work a child of research gives back what it has loaded (a compiler, years of candles).
RESEARCH_REST_SECONDS = env.int("RESEARCH_REST_SECONDS", default=300)

# --- Users and sign-in -----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
# The e-mail is unique whatever its case, by a constraint over Lower(email), which this check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if ENVIRONMENT == "test":
    # Bcrypt is slow on purpose; a test proves that every other environment uses it.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "accounts.passwords.CharacterClassesValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
# allauth's limiter calls the cache unguarded; ours (accounts.rate_limits) gives way when Redis is away.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_SESSION_REMEMBER = None
SESSION_ENGINE = "django.contrib.sessions.backends.db"
# Attempts to sign in or to reset a password: a minute from one address, an hour for one e-mail.
SIGN_IN_LIMIT_PER_MINUTE = env.int("SIGN_IN_LIMIT_PER_MINUTE", default=5)
SIGN_IN_LIMIT_PER_HOUR = env.int("SIGN_IN_LIMIT_PER_HOUR", default=10)

# --- Mail ------------------------------------------------------------------------------------
# The console backend writes letters into the worker's log.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="TradeBot <tradebot@localhost>")
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 20

# --- API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "accounts.rest.Pages",
    "DEFAULT_PARSER_CLASSES": [
        "accounts.rest.UnicodeJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "EXCEPTION_HANDLER": "tradebot.api_errors.answer_error",
    "DEFAULT_FILTER_BACKENDS": ["accounts.rest.StrictFilters"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "COERCE_DECIMAL_TO_STRING": True,
}
# Lifetimes, rotation and revocation are in accounts.tokens.
SIMPLE_JWT = {"SIGNING_KEY": JWT_SIGNING_KEY, "ALGORITHM": "HS256", "AUTH_HEADER_TYPES": ("Bearer",)}
# Any origin in development, only the front end's in production; tokens travel in headers, cookies never cross.
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_ALL_ORIGINS = not IN_PRODUCTION
CORS_ALLOWED_ORIGINS = [FRONTEND_URL] if IN_PRODUCTION and FRONTEND_URL else []
CORS_ALLOW_CREDENTIALS = False
SPECTACULAR_SETTINGS = {
    "TITLE": "TradeBot API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["tradebot.api_schema.without_aliases"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tradebot.api_schema.with_plain_addresses",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "VenueEnum": "exchange.models.Venue",
        "MarketEnum": "exchange.models.Market",
        "DirectionEnum": "bots.models.Direction",
        "TimeframeEnum": "bots.models.Timeframe",
        "ResearchStatusEnum": "trading.models.research.ResearchStatus",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Live events -----------------------------------------------------------------------------
_redis = urlparse(REDIS_URL)
EVENTSTREAM_REDIS = {
    "host": _redis.hostname,
    "port": _redis.port or 6379,
    "db": int((_redis.path or "/0").strip("/") or 0),
    "password": _redis.password,
}
EVENTSTREAM_CHANNELMANAGER_CLASS = "accounts.live.OwnChannelManager"

# --- Exchange --------------------------------------------------------------------------------
SANDBOX_URL = env.str("SANDBOX_URL", default="http://127.0.0.1:8001").rstrip("/")
SANDBOX_TOKEN = secret("SANDBOX_TOKEN")
SANDBOX_KEY_SECRET = secret("SANDBOX_KEY_SECRET")
LIVE_TRADING_ENABLED = env.bool("LIVE_TRADING_ENABLED", default=False)
if LIVE_TRADING_ENABLED:
    raise ImproperlyConfigured(
        "LIVE_TRADING_ENABLED: this version trades on the paper market only. Remove it."
    )
# The most USDT a live order may be worth, and all that a live account holds beside USDT.
MAX_ORDER_NOTIONAL = positive_amount("MAX_ORDER_NOTIONAL", default="500")
MAX_ACCOUNT_EXPOSURE = positive_amount("MAX_ACCOUNT_EXPOSURE", default="5000")

# --- Demo user (outside production only) -----------------------------------------------------
DEMO_EMAIL = env.str("DEMO_EMAIL", default="demo@tradebot.local")
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="Demo-trading-2026")

# --- Admin -----------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "TradeBot",
    "SITE_HEADER": "TradeBot operators",
    "SITE_SYMBOL": "monitoring",
    "SHOW_VIEW_ON_SITE": False,
}

# --- Languages, time, static files -----------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("tr", _("Turkish"))]
LOCALE_PATHS = [BASE_DIR / "tradebot" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
WHITENOISE_USE_FINDERS = not IN_PRODUCTION
# Tests build the middleware hundreds of times: files are looked up when asked for, not listed at every start.
WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test"

# --- Browser safety --------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    # lightweight-charts and the admin set inline style; scripts never are inline without a nonce.
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- Logs ------------------------------------------------------------------------------------
LOGGING_CONFIG = None  # tradebot.logs configures structlog, JSON lines to stderr
# A task carries the ids of the request that sent it.
DJANGO_STRUCTLOG_CELERY_ENABLED = True
