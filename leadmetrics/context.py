from django.http import HttpRequest
from django.conf import settings


def product(request: HttpRequest) -> dict[str, object]:
    return {"sandbox_url": settings.SANDBOX_URL if settings.SANDBOX else ""}
