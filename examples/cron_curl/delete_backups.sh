#!/usr/bin/env bash
# Deletes backups older than some days, once people have approved it in Slack. README.md says how to run it.
set -euo pipefail

folder=${1:?the folder of the backups} days=${2:?how old they are at least, in days}
: "${COUNTERSIGN_URL:?the address of the bot}" "${COUNTERSIGN_TOKEN:?a token of the bot}"
[[ -d $folder ]] || { echo "There is no folder $folder." >&2; exit 2; }
day=${DAY:-$(date +%F)}
key=delete-backups-$day
kept=${STATE:-$folder/.asked}
plan=$kept/$day.json

# One call of the API. It is sent again if the bot is away or asks for patience: keys and ids make it the same call.
call() {
  local answer status
  while true; do
    status=0
    answer=$(curl --silent --show-error --fail-with-body --retry 20 --retry-connrefused --max-time 90 \
      --header "Authorization: Bearer $COUNTERSIGN_TOKEN" --header "Content-Type: application/json" "$@") || status=$?
    case $status in
      0) printf '%s\n' "$answer"; return ;;
      22) jq --raw-output .detail <<<"$answer" >&2; return 22 ;; # refused: the problem says why, and what to do
      *) sleep 5 ;;                                             # a broken connection
    esac
  done
}

# 1. Write down what is asked about, so that a run after a crash asks for the same, and deletes nothing else.
mkdir -p "$kept"
if [[ ! -e $plan ]]; then
  find "$folder" -maxdepth 1 -type f -mtime "+$days" -printf '%f\n' | sort | jq --raw-input . | jq --slurp . >"$plan.new"
  mv "$plan.new" "$plan"
fi
[[ $(jq length "$plan") -gt 0 ]] || { echo "Nothing is older than $days days."; exit 0; }

# 2. Ask. With the same key, this finds the request of an earlier run.
question=$(jq --arg folder "$folder" '{question: {action: "delete_backups", arguments: {folder: $folder, files: .}}}' "$plan")
request=$(call --header "Idempotency-Key: $key" --data "$question" "$COUNTERSIGN_URL/v1/requests")
id=$(jq --raw-output .id <<<"$request")

# 3. Wait, for as long as the policy gives people.
while [[ $(jq --raw-output .status <<<"$request") == pending ]]; do
  request=$(call "$COUNTERSIGN_URL/v1/requests/$id?wait=30")
done
if [[ $(jq .decision.approved <<<"$request") != true ]]; then
  jq --raw-output '"Not deleted: \(.status), \(.decision.reason // "")"' <<<"$request"
  exit 1
fi

# 4. Take the decision for this execution, and act on what was approved.
decision=$(call --data "{\"execution\": \"$key\"}" "$COUNTERSIGN_URL/v1/requests/$id/consume")
jq --raw-output '.decision.items[0].arguments.files[]' <<<"$decision" | while IFS= read -r file; do
  rm -f -- "$folder/$(basename -- "$file")"
  echo "Deleted $file"
done
