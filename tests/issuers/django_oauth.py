"""django-oauth-toolkit, for tests/outside/issuers: passwords and refresh tokens. Prints `revoked NAME` when a refresh token of the user NAME is revoked.

With the argument `rotate` it replaces refresh tokens at each use, which is its default. Without the argument it does not.
"""

import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="made-up",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    # Without migrations, Django creates the tables directly from the models.
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "oauth2_provider": None},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    OAUTH2_PROVIDER={
        "ACCESS_TOKEN_EXPIRE_SECONDS": 1234,
        "ROTATE_REFRESH_TOKEN": "rotate" in sys.argv[1:],
        "SCOPES": {"read": "Read", "write": "Write"},
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from django.dispatch import receiver  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import Application, RefreshToken  # noqa: E402

from serving import say, serve  # noqa: E402

urlpatterns = [path("o/", include("oauth2_provider.urls"))]


@receiver(post_save, sender=RefreshToken)
def print_revoked(instance, **_):
    if instance.revoked:
        say("revoked", instance.user.username)


def client(client_id, secret, grant, kind=Application.CLIENT_CONFIDENTIAL):
    Application.objects.create(client_id=client_id, client_secret=secret, client_type=kind, authorization_grant_type=grant, name=client_id)


call_command("migrate", run_syncdb=True, verbosity=0)
User.objects.create_user("ada", password="an engine & more")
User.objects.create_user("grace", password="an engine & more")
User.objects.create_user("gone", password="an engine & more", is_active=False)
client("app", "s:ecret &=+%2B/~", Application.GRANT_PASSWORD)
client("public", "", Application.GRANT_PASSWORD, Application.CLIENT_PUBLIC)
client("service", "correct-horse", Application.GRANT_CLIENT_CREDENTIALS)
# The database is in memory and belongs to this thread.
serve(get_wsgi_application(), threads=False)
