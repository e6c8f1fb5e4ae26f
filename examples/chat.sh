#!/bin/sh
# A question, whole and then while it is answered, with nothing but curl.
set -eu
URL=${DREY_URL:-http://127.0.0.1:3000}
KEY=${DREY_KEY:-$(cat .local/key)}

ask() {
  curl --silent --show-error --fail-with-body --no-buffer "$URL/v1/chat/completions" \
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d "$1"
}

ask '{"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "What is a drey?"}]}'
printf '\n\n'
ask '{"model": "claude-haiku-4-5", "stream": true, "messages": [{"role": "user", "content": "Who lives in one?"}]}'
