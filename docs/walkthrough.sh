#!/bin/sh
# A walk through the API as a user takes it: register, log in, make a bot, start it, follow it live, stop it, look at
# what it did and why, halt it, begin anew; then a stranger tries the same doors and finds nothing behind them. Needs a
# running TradeBot, sh, curl and python3. Says what it does, and exits 1 at the first surprise.
#
#   docs/walkthrough.sh [BASE]        BASE is where TradeBot answers; http://127.0.0.1:8000 unless given
set -eu

API="${1:-http://127.0.0.1:8000}"
API="${API%/}/api/v1"
ROOM=$(mktemp -d)
STREAM=
trap 'if [ -n "$STREAM" ]; then kill "$STREAM" 2>/dev/null || true; fi; rm -rf "$ROOM"' EXIT
trap 'exit 1' INT TERM

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'SURPRISE: %s\n' "$*" >&2; exit 1; }

for tool in curl python3; do
    command -v "$tool" >/dev/null || fail "$tool is needed and not on PATH"
done

# call METHOD PATH STATUS [JSON]: asks as whoever $WHO is, shows the answer, and insists on its status; 200/409 is
# either of the two.
call() {
    set -- "$1" "$2" "$3" "${4:-}"
    if [ -n "$4" ]; then
        printf '%s' "$4" >"$ROOM/body"
        status=$(curl -sS --noproxy '*' --max-time 30 -o "$ROOM/answer" -w '%{http_code}' -X "$1" \
            -H "@$ROOM/$WHO" -H 'Content-Type: application/json' --data-binary "@$ROOM/body" "$API$2")
    else
        status=$(curl -sS --noproxy '*' --max-time 30 -o "$ROOM/answer" -w '%{http_code}' -X "$1" \
            -H "@$ROOM/$WHO" "$API$2")
    fi
    printf '%-6s %-40s %s\n' "$1" "$2" "$status"
    case "/$3/" in
        */"$status"/*) ;;
        *) fail "$1 $2 answered $status, not $3: $(cat "$ROOM/answer")" ;;
    esac
}

# answer EXPRESSION: a value out of the last answer, e.g. answer 'a["results"][0]["id"]'
answer() { python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$ROOM/answer" "$1"; }

# expect EXPRESSION VALUE: the last answer says so.
expect() {
    found=$(answer "$1")
    [ "$found" = "$2" ] || fail "$1 is $found, not $2"
}

random() { python3 -c 'import secrets; print(secrets.token_hex(8))'; }

# sign_up NAME: a new user, whose token later calls of WHO=NAME carry. Tokens stay out of the process list.
sign_up() {
    WHO=nobody
    email="$1-$(random)@example.com"
    password="Walk-$(random)-9"
    call POST /auth/register 201 "{\"email\": \"$email\", \"password\": \"$password\"}"
    expect 'a["email"]' "$email"
    call POST /auth/login 200 "{\"email\": \"$email\", \"password\": \"$password\", \"remember_me\": false}"
    expect 'a["token_type"]' bearer
    printf 'Authorization: Bearer %s\n' "$(answer 'a["access_token"]')" >"$ROOM/$1"
    REFRESH=$(answer 'a["refresh_token"]')
    WHO=$1
}

exec 3>&1
# heard CONDITION SECONDS: waits until the stream has brought an event `e` for which CONDITION holds, newer than the
# last one found; shows it.
SEEN=0
heard() {
    SEEN=$(python3 - "$ROOM/stream" "$SEEN" "$1" "$2" 2>&3 <<'PYTHON'
import json
import sys
import time

path, seen, condition, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
end = time.monotonic() + seconds
while time.monotonic() < end:
    # Only whole lines: the last one may still be on its way.
    whole = open(path).read().rpartition("\n")[0].split("\n")
    events = [json.loads(line[6:]) for line in whole if line.startswith("data: ")]
    for number, e in enumerate(events[seen:], start=seen + 1):
        if eval(condition):
            print("  event:", json.dumps(e), file=sys.stderr)
            print(number)
            sys.exit(0)
    time.sleep(0.1)
sys.exit(1)
PYTHON
    ) || fail "no event with $1 within $2 s"
}

: >"$ROOM/nobody"

say "A new user signs up and logs in"
sign_up walker
REFRESH_OF_WALKER=$REFRESH
PASSWORD_OF_WALKER=$password
call GET /auth/me 200

say "There is a paper key already, with 10,000 USDT behind it"
call GET /api-keys/ 200
expect 'a["count"]' 1
expect 'a["results"][0]["venue"]' sandbox
KEY=$(answer 'a["results"][0]["id"]')
call GET "/api-keys/$KEY/balance" 200
expect 'a["total_usdt"]' 10000

say "A bot is made; nonsense is refused field by field"
call GET /symbols/spot 200
call GET /strategies 200
call GET "/candles?symbol=BTCUSDT&interval=15m&limit=3" 200
expect 'len(a["candles"])' 3
call POST /bot-configs/ 400 "{\"name\": \"x\", \"api_key\": $KEY, \"symbol\": \"NOPE\", \"martingale\": true}"
expect 'sorted(a)' "['initial_capital', 'martingale', 'name', 'symbol']"
call POST /bot-configs/ 201 "{\"name\": \"Walkthrough\", \"api_key\": $KEY, \"symbol\": \"BTCUSDT\", \"timeframe\": \"1m\",
    \"initial_capital\": \"1000\", \"ema_fast\": 2, \"ema_slow\": 5}"
BOT=$(answer 'a["id"]')
expect 'a["status"]' stopped
call PATCH "/bot-configs/$BOT" 200 '{"version": 1, "position_size_perc": "50"}'
expect 'a["version"]' 2
call PATCH "/bot-configs/$BOT" 409 '{"version": 1, "position_size_perc": "75"}'
expect 'a["version"]' 2
call GET "/bot-configs/$BOT/versions" 200
expect 'a["results"][0]["changes"][0]["field"]' position_size_perc
call POST "/bot-configs/$BOT/rollback" 200 '{"to": 1, "version": 2}'
expect 'a["version"]' 3

say "Its status is followed live while it starts and stops"
: >"$ROOM/stream"
curl -sSN --noproxy '*' -H "@$ROOM/walker" "$API/bots/$BOT/status-stream" >"$ROOM/stream" &
STREAM=$!
heard 'e["status"] == "stopped"' 10
call POST "/bots/$BOT/start" 200
expect 'a["message"]' "Bot started"
call POST "/bots/$BOT/start" 409
heard 'e["status"] != "stopped"' 15
call GET "/bot-states/$BOT" 200
call POST "/bots/$BOT/stop" 200 '{"position": "keep"}'
expect 'a["message"]' "Bot stopped"
heard 'e["status"] == "stopped"' 15
call POST "/bots/$BOT/stop" 200
call POST "/bots/$BOT/close-position" 200/409
kill "$STREAM" 2>/dev/null || true
STREAM=

say "What it did, if anything in that moment, and why it did or did not"
call GET "/trades/?bot=$BOT&limit=5" 200
printf '  %s trades\n' "$(answer 'a["count"]')"
call GET "/trades.csv?bot=$BOT" 200
call GET "/bots/$BOT/orders?limit=5" 200
call GET "/bots/$BOT/decisions?limit=5" 200
printf '  %s decisions\n' "$(answer 'a["count"]')"
call GET "/bots/$BOT/performance" 200
expect 'a["initial_capital"]' 1000
call GET /bots/summary 200
expect 'a["count"]' 1

say "A halt stops it from being started, until it ends"
call POST /halts/ 201 "{\"bot_config\": $BOT, \"reason\": \"Lunch\"}"
HALT=$(answer 'a["id"]')
call POST "/bots/$BOT/start" 409
call DELETE "/halts/$HALT" 204
call GET "/halts/?open=true" 200
expect 'a["count"]' 0

say "The paper account begins anew, unless something of it is still in use"
call POST "/api-keys/$KEY/reset-paper-balance" 200/409

say "A new password ends every token from before"
call POST /auth/change-password 400 "{\"current_password\": \"wrong\", \"new_password\": \"$PASSWORD_OF_WALKER-new\"}"
call POST /auth/change-password 200 \
    "{\"current_password\": \"$PASSWORD_OF_WALKER\", \"new_password\": \"$PASSWORD_OF_WALKER-new\"}"
ACCESS=$(answer 'a["access_token"]')
REFRESH_OF_WALKER=$(answer 'a["refresh_token"]')
call GET /auth/me 401
printf 'Authorization: Bearer %s\n' "$ACCESS" >"$ROOM/walker"
call GET /auth/me 200

say "A stranger finds nothing behind any of these doors"
sign_up stranger
for path in "/bot-configs/$BOT" "/bot_config/$BOT/" "/bot-configs/$BOT/versions" "/bot-states/$BOT" \
    "/bots/$BOT/status-stream" "/bots/$BOT/performance" "/bots/$BOT/trades" "/bots/$BOT/orders" \
    "/bots/$BOT/decisions" "/halts/$HALT" "/api-keys/$KEY" "/api-keys/$KEY/balance"; do
    call GET "$path" 404
done
call PATCH "/bot-configs/$BOT" 404 '{"version": 3, "name": "Mine now"}'
call DELETE "/bot-configs/$BOT" 404
call POST "/bots/$BOT/start" 404
call POST "/bots/$BOT/stop" 404
call POST "/bots/$BOT/close-position" 404
call POST "/bot-configs/$BOT/rollback" 404 '{"to": 1}'
call POST /halts/ 400 "{\"bot_config\": $BOT, \"reason\": \"Mine now\"}"
call POST "/api-keys/$KEY/reset-paper-balance" 404
call POST "/api-keys/$KEY/check" 404
call DELETE "/api-keys/$KEY" 404
call GET "/trades/?bot=$BOT" 200
expect 'a["count"]' 0

say "Somebody without a token gets no further"
WHO=nobody
call GET /bot-configs/ 401
call POST "/bots/$BOT/stop" 401
call GET /bots/summary 401

say "The user tidies up and logs out"
WHO=walker
call DELETE "/api-keys/$KEY" 409
call POST /auth/logout 204 "{\"refresh_token\": \"$REFRESH_OF_WALKER\"}"
call POST /auth/refresh 401 "{\"refresh_token\": \"$REFRESH_OF_WALKER\"}"

say "Everything was as promised."
