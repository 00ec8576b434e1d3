#!/usr/bin/env bash
# Draws both dashboards with Grafana's own components, to look at: tests/grafana/render/render.sh [OUTPUT] [SECONDS]
#
# A scene is played for so many seconds (300 unless told): the daemon watches made-up token APIs, and a real Prometheus
# scrapes it. Then every query is asked, and a headless Chromium takes a picture of what @grafana/ui makes of the answers.
# This is no Grafana: its dashboard loader and its panel plugins are not published as packages.
#
# It needs prometheus, node, npm, openssl and chromium, and installs some 460 MB below the output. So `make test` leaves it out.
set -euo pipefail
home="$(cd "$(dirname "$0")" && pwd)"
out="$(mkdir -p "${1:-target/render}" && cd "${1:-target/render}" && pwd)"
for program in prometheus node npm openssl chromium; do
    command -v "$program" >/dev/null || { echo "error: $program is missing; apt-get install prometheus nodejs npm openssl chromium" >&2; exit 1; }
done
credwatch="${CREDWATCH:-$home/../../../target/debug/credwatch}"
[ -x "$credwatch" ] || { echo "error: there is no $credwatch; cargo build, or say where it is in CREDWATCH" >&2; exit 1; }

cp "$home"/* "$out"
cd "$out"
[ -d node_modules/@grafana/ui ] || npm install --no-audit --no-fund --ignore-scripts </dev/null
DASHBOARDS="$home/../../../dashboards" CREDWATCH="$credwatch" node render.mjs "${2:-300}"
