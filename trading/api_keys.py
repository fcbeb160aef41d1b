"""`api-keys/{id}/reset-paper-balance`: here and not in `accounts`, because only this room knows what a key carries."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiKey
from accounts.serializers import ApiKeySerializer
from trading.paper_reset import reset_paper_balance
from trading.serializers import StartBody


class PaperResetView(APIView):
    @extend_schema(request=StartBody, responses=ApiKeySerializer, tags=["api-keys"])
    def post(self, request: Request, pk: int) -> Response:
        """Give a paper key a fresh account with 10,000 USDT. 409 while its bots run or hold something."""
        user: Any = request.user
        key = ApiKey.objects.for_user(user).filter(pk=pk).first()
        if key is None:
            raise Http404
        StartBody(data=request.data).is_valid(raise_exception=True)
        return Response(ApiKeySerializer(reset_paper_balance(key, by=user)).data)
