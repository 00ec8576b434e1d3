#!/usr/bin/env bash
# Builds the Debian package and its parts.
#
#   make.sh sbom       target/package/credwatch.cdx.json: the list of components (SBOM), as CycloneDX
#   make.sh package    all parts and target/debian/credwatch_VERSION-1_ARCHITECTURE.deb, checked by lintian
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/target/tools/bin:$PATH"

sbom() {
    mkdir -p target/package
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --override-filename credwatch.cdx
    # cargo-cyclonedx writes the file beside Cargo.toml, with the path of this folder in it.
    sed "s|file://$PWD|file:///credwatch|g" credwatch.cdx.json >target/package/credwatch.cdx.json
    rm credwatch.cdx.json
}

package() {
    # Old files must not get into the package.
    rm -rf target/package target/debian
    sbom
    cargo run --quiet --locked --example pages -- target/package
    cargo deb --quiet --locked
    lintian --fail-on error,warning --tag-display-limit 0 --allow-root target/debian/credwatch_*.deb
}

case "${1:-}" in
    sbom) sbom ;;
    package) package ;;
    *)
        echo "usage: make.sh sbom | package" >&2
        exit 2
        ;;
esac
