.DEFAULT_GOAL := help
.PHONY: help quick test check parts package sbom release bench docs

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

quick: ## Check format and lints, and run all tests that need only Rust.
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked --lib --test it

test: parts check package ## Install the programs that the tests need, and run all checks and tests.
	cargo test --locked

check: ## Check format, lints, licences and documentation.
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck .ci/run tests/*.sh tests/*/*.sh deploy/debian/scripts/*
	target/tools/bin/cargo-deny --locked check licenses bans sources
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

parts:
	tests/parts.sh

package: ## Build the Debian package in target/debian.
	tests/package/make.sh package

sbom: ## List the components of the program (SBOM, CycloneDX) in target/package.
	tests/package/make.sh sbom

release: ## Build all files of a release in target/release-artefacts, with their checksums.
	tests/package/make.sh release

bench: ## Measure the speed of credwatch and of other programs; takes minutes.
	cargo bench --locked

docs: ## Build the documents as a site in target/book; the first run builds mdBook in two minutes.
	cargo test --locked --test it links::
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
	    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo install --quiet --locked --root target/tools \
	    --no-default-features --features search mdbook --version 0.5.4
	target/tools/bin/mdbook build
