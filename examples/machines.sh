#!/bin/sh
# List the machines with their age and the reason, then force one of them fresh. See README.md in this folder.
set -eu

url=${SUPPLYGRAPH_URL:-http://127.0.0.1:8000}
token=${SUPPLYGRAPH_TOKEN:?Set SUPPLYGRAPH_TOKEN to a token of the gateway.}
max_age=${1:-30}

request='{
  "query": "query Machines($maxAge: Int!) { resources(filter: {resourceType: [VM, CONTAINER, BARE_METAL, CLUSTER]}, orderBy: {field: NAME, direction: ASC}, first: 100, freshness: {maxAgeSeconds: $maxAge}) { nodes { resourceId name status freshness { state ageSeconds reason } } coverage { complete gaps { account { name } reason } } } }",
  "variables": {"maxAge": '"$max_age"'}
}'

machines=$(curl -sS --max-time 15 "$url/graphql" \
  -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$request")

# One machine a line. A script that does more than print should use jq.
printf '%s\n' "$machines" | sed 's/{"resourceId"/\n&/g'

id=$(printf '%s' "$machines" | sed -n 's/.*"nodes":\[{"resourceId":"\([^"]*\)".*/\1/p')
[ -n "$id" ] || exit 1

# REST: the same machine, asked for now. Age and Cache-Status say how old it is and why.
curl -sS --max-time 15 --dump-header - "$url/resources/$id?force_refresh=true" -H "Authorization: Bearer $token"
echo
