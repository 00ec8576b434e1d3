#!/bin/sh
# A token endpoint for the tests in the container, one process for each connection. It issues a token to the client
# "watcher" with the secret "of-the-container" and refuses all others as RFC 6749 says.
right="Basic $(printf 'watcher:of-the-container' | base64)"
given=""
length=0
while IFS= read -r line; do
    line=$(printf '%s' "$line" | tr -d '\r')
    case "$line" in
        "") break ;;
        [Aa]uthorization:*) given=${line#*: } ;;
        [Cc]ontent-[Ll]ength:*) length=${line#*: } ;;
    esac
done
head -c "$length" >/dev/null
if [ "$given" = "$right" ]; then
    status="200 OK"
    body='{"access_token":"a-token-of-the-container","token_type":"Bearer","expires_in":3600}'
else
    status="401 Unauthorized"
    body='{"error":"invalid_client"}'
fi
printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' "$status" "${#body}" "$body"
