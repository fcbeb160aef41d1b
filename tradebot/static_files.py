"""Static files under ASGI: small bodies sent whole, where Django would read a file iterator in a thread, and warn."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, with its answers as plain responses. Our largest file is 620 kB."""

    @staticmethod
    def serve(static_file: Any, request: Any) -> HttpResponse:
        answer = static_file.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file as opened:
                body = opened.read()
        response = HttpResponse(body, status=int(answer.status))
        del response["Content-Type"]
        for name, value in answer.headers:
            response[name] = value
        if response.status_code == 200 and request.method == "GET":
            # The file as it is now, also where somebody edits it under a running server.
            response["Content-Length"] = str(len(body))
        return response
