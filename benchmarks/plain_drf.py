"""The same fetch as one would write it with Django REST framework: models, a serializer, a generic view.

    DATABASE_URL=postgresql://… python -m benchmarks.plain_drf PORT COUNT

Token authentication, Django's usual middleware, connections that are kept, and WSGI in threads as PromptHub has it.
The table is made and filled with ``COUNT`` prompts; the token is printed.
"""

from __future__ import annotations

import os
import sys
import warnings

import django
import environ
import uvicorn
from django.conf import settings

MIDDLEWARE = [
    f"django.{name}"
    for name in (
        "middleware.security.SecurityMiddleware",
        "contrib.sessions.middleware.SessionMiddleware",
        "middleware.common.CommonMiddleware",
        "middleware.csrf.CsrfViewMiddleware",
        "contrib.auth.middleware.AuthenticationMiddleware",
        "contrib.messages.middleware.MessageMiddleware",
        "middleware.clickjacking.XFrameOptionsMiddleware",
    )
]


def configure() -> None:
    """What ``startproject`` writes, with PostgreSQL and REST framework."""
    database = dict(environ.Env().db_url_config(os.environ["DATABASE_URL"])) | {"CONN_MAX_AGE": 60}
    settings.configure(
        SECRET_KEY="plain",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "rest_framework",
            "rest_framework.authtoken",
        ],
        MIDDLEWARE=MIDDLEWARE,
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
        USE_TZ=True,
    )
    django.setup()


def serve(port: int, count: int) -> None:
    """Make the tables, fill them, say the token, and answer until killed."""
    from django.contrib.auth.models import User
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command
    from django.db import connection, models
    from django.urls import path
    from rest_framework import generics, serializers
    from rest_framework.authtoken.models import Token

    from benchmarks.library import SCHEMA, text
    from prompthub.threads import Threads

    class Prompt(models.Model):  # noqa: DJ008 - nobody looks at it
        name = models.CharField(max_length=200, unique=True)

        class Meta:
            app_label = "plain"

    class Version(models.Model):  # noqa: DJ008 - nobody looks at it
        prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
        number = models.PositiveIntegerField()
        content = models.TextField()
        variables_schema = models.JSONField()
        created_at = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label = "plain"
            unique_together = (("prompt", "number"),)

    class VersionSerializer(serializers.ModelSerializer):
        name = serializers.CharField(source="prompt.name")

        class Meta:
            model = Version
            fields = ("id", "name", "number", "content", "variables_schema", "created_at")

    class Fetch(generics.RetrieveAPIView):
        serializer_class = VersionSerializer

        def get_object(self) -> Version:
            found = Version.objects.select_related("prompt")
            return generics.get_object_or_404(found, prompt__name=self.kwargs["name"], number=self.kwargs["number"])

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Prompt)
        editor.create_model(Version)
    Prompt.objects.bulk_create([Prompt(name=f"p{number}") for number in range(count)], batch_size=2_000)
    rows = Prompt.objects.order_by("id").iterator()
    Version.objects.bulk_create(
        (Version(prompt=row, number=1, content=text(int(row.name[1:])), variables_schema=SCHEMA) for row in rows),
        batch_size=1_000,
    )
    globals()["urlpatterns"] = [path("prompts/<str:name>/versions/<int:number>", Fetch.as_view())]
    sys.stdout.write(Token.objects.create(user=User.objects.create_user("reader")).key + "\n")
    sys.stdout.flush()
    connection.close()
    threads = Threads(WSGIHandler(), count=16)

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]  # as ASGI has it
        async def whole():  # type: ignore[no-untyped-def]
            return {"type": "http.request", "body": b"", "more_body": False}

        await threads(scope, whole, send)

    uvicorn.run(app, port=port, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    configure()
    serve(int(sys.argv[1]), int(sys.argv[2]))
