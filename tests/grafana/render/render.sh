#!/usr/bin/env bash
# Draws pictures of both dashboards with Grafana's own components: tests/grafana/render/render.sh [OUTPUT] [SECONDS]
#
# For SECONDS (default 300) credwatch probes made-up token APIs, and Prometheus scrapes credwatch. Then the script runs every
# query of the dashboards, @grafana/ui draws the results, and a headless Chromium takes the pictures: of each dashboard one as it
# opens, and one with all rows open (-open). AGAIN=yes draws the answers of the last run again. The script does not run Grafana
# itself, because its dashboard loader and its panel plugins are not published as packages.
#
# The script needs prometheus, node, npm, openssl and chromium, and installs about 460 MB into OUTPUT. So `make test` does not run it.
set -euo pipefail
home="$(cd "$(dirname "$0")" && pwd)"
out="$(mkdir -p "${1:-target/render}" && cd "${1:-target/render}" && pwd)"
for program in prometheus node npm openssl chromium; do
    command -v "$program" >/dev/null || { echo "error: $program is missing; apt-get install prometheus nodejs npm openssl chromium" >&2; exit 1; }
done
credwatch="${CREDWATCH:-$home/../../../target/debug/credwatch}"
[ -x "$credwatch" ] || { echo "error: there is no $credwatch; run cargo build, or set CREDWATCH to its path" >&2; exit 1; }

cp "$home"/* "$out"
cd "$out"
[ -d node_modules/@grafana/ui ] || npm install --no-audit --no-fund --ignore-scripts </dev/null
DASHBOARDS="$home/../../../dashboards" CREDWATCH="$credwatch" node render.mjs "${2:-300}"
