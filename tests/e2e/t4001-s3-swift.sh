#!/bin/sh
# The same beside OpenStack Swift's S3 API.
S3_SERVER=swift
# shellcheck source=tests/e2e/t4000-s3.sh
. "$(dirname "$0")/t4000-s3.sh"
