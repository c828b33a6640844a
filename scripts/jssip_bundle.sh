#!/bin/sh
# Makes ivr/web/static/vendor/jssip.min.js anew: JsSIP and what it uses, in one file that sets window.JsSIP.
set -eu
target=$(cd "$(dirname "$0")/../ivr/web/static/vendor" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --no-save --silent jssip@3.13.8 esbuild@0.28.2
echo 'window.JsSIP = require("jssip");' >in.js
npx esbuild in.js --bundle --minify --outfile="$target/jssip.min.js"
