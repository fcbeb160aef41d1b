# One image for every process of ours; docker-compose.yml says which one a container is.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 DJANGO_SETTINGS_MODULE=tradebot.settings

RUN useradd --uid 10001 --create-home --home-dir /home/tradebot tradebot \
    && install -d -o tradebot -g tradebot /data /srv/static

WORKDIR /app
COPY requirements.txt ./
RUN pip install --compile -r requirements.txt
COPY --chown=root:root . .

USER tradebot
ENV DATA_DIR=/data STATIC_ROOT=/srv/static
EXPOSE 8000
CMD ["uvicorn", "tradebot.asgi:application", "--timeout-graceful-shutdown", "2", "--no-access-log"]
